import type { Clock } from "../../core/clock.ts";
import { EventBus } from "../../core/event-bus.ts";

/** What the appliance is doing for its user, as MQTT `state.phase` and the LED show it. */
export type Phase = "idle" | "listening" | "thinking" | "speaking";

export interface PhaseState {
  readonly phase: Phase;
  /** Wall clock, ms. */
  readonly sinceMs: number;
}

/** The present phase; tells its listeners of changes only. */
export class PhaseTracker {
  readonly #clock: Clock;
  readonly #bus: EventBus<{ changed: PhaseState }>;
  #state: PhaseState;

  constructor(clock: Clock, onHandlerError: (event: string, error: unknown) => void) {
    this.#clock = clock;
    this.#bus = new EventBus(onHandlerError);
    this.#state = { phase: "idle", sinceMs: clock.now() };
  }

  get state(): PhaseState {
    return this.#state;
  }

  onChange(handler: (state: PhaseState) => void): () => void {
    return this.#bus.on("changed", handler);
  }

  enter(phase: Phase): void {
    if (phase === this.#state.phase) return;
    this.#state = { phase, sinceMs: this.#clock.now() };
    this.#bus.emit("changed", this.#state);
  }
}
