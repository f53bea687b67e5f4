import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/errors.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Logger } from "../core/logger.ts";
import type { Service } from "../core/service.ts";
import {
  type GestureKind,
  type GesturePolicy,
  type GestureState,
  gestureStep,
  initialGestureState,
} from "./gesture.ts";
import type { ButtonEdge, ButtonInput, ButtonName } from "./ports.ts";

export interface GestureEvents {
  readonly gesture: { readonly button: ButtonName; readonly kind: GestureKind; readonly atMs: number };
  /** Debounced and without delay: for what cannot wait until a press is certain, such as stopping speech. */
  readonly contact: { readonly button: ButtonName; readonly pressed: boolean; readonly atMs: number };
}

export interface GestureServiceOptions {
  readonly input: ButtonInput;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: GesturePolicy;
  /** Policies of single buttons, e.g. `doubleMs: 0` where a press must not wait for a second one. */
  readonly overrides?: Partial<Readonly<Record<ButtonName, GesturePolicy>>>;
}

/** Watches a {@link ButtonInput} and tells its listeners of gestures. */
export class GestureService implements Service {
  readonly name = "buttons";
  readonly #options: GestureServiceOptions;
  readonly #bus: EventBus<GestureEvents>;
  readonly #states = new Map<ButtonName, GestureState>();
  readonly #timers = new Map<ButtonName, () => void>();
  #watching: AbortController | null = null;

  constructor(options: GestureServiceOptions) {
    this.#options = options;
    this.#bus = new EventBus((event, error) =>
      options.logger.error({ event, code: toAppError(error, "E_INTERNAL", "handler failed").code }, "handler failed"),
    );
  }

  /** Returns the unsubscribe function. */
  on<K extends keyof GestureEvents>(event: K, handler: (payload: GestureEvents[K]) => void): () => void {
    return this.#bus.on(event, handler);
  }

  /** @throws AppError E_GPIO_UNAVAILABLE from the input. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#watching !== null) return;
    const watching = new AbortController();
    this.#watching = watching;
    try {
      await this.#options.input.watch((edge) => this.#onEdge(edge), AbortSignal.any([signal, watching.signal]));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#watching?.abort();
    this.#watching = null;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#states.clear();
  }

  #onEdge(edge: ButtonEdge): void {
    if (this.#watching === null) return;
    this.#advance(edge.button, { kind: "edge", pressed: edge.pressed, atMs: edge.atMs });
  }

  #advance(button: ButtonName, input: Parameters<typeof gestureStep>[1]): void {
    const policy = this.#options.overrides?.[button] ?? this.#options.policy;
    const step = gestureStep(this.#states.get(button) ?? initialGestureState, input, policy);
    this.#states.set(button, step.state);
    this.#timers.get(button)?.();
    this.#timers.delete(button);
    if (step.wakeAtMs !== null) this.#wakeAt(button, step.wakeAtMs);
    for (const output of step.outputs) {
      if (output.kind === "contact") this.#bus.emit("contact", { button, pressed: output.pressed, atMs: output.atMs });
      else this.#bus.emit("gesture", { button, kind: output.kind, atMs: output.atMs });
    }
  }

  #wakeAt(button: ButtonName, atMs: number): void {
    const { clock } = this.#options;
    const cancel = clock.after(Math.max(0, atMs - clock.monotonicMs()), () =>
      // a timer may fire a fraction early; the deadline itself is what counts
      this.#advance(button, { kind: "time", atMs: Math.max(atMs, clock.monotonicMs()) }),
    );
    this.#timers.set(button, cancel);
  }
}
