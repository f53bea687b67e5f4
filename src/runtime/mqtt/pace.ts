import type { Clock } from "../../core/clock.ts";

/**
 * Calls `act` when asked to: at once when the last call is `everyMs` ago, else when it is. Several wishes until then are
 * one call, so that what is published is always the latest.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #act: () => void;
  #actedAtMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, everyMs: number, act: () => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#act = act;
  }

  wish(): void {
    const waitMs = Math.max(0, this.#actedAtMs + this.#everyMs - this.#clock.monotonicMs());
    this.#cancel ??= this.#clock.after(waitMs, () => {
      this.#cancel = null;
      this.#actedAtMs = this.#clock.monotonicMs();
      this.#act();
    });
  }

  /** Drops a wish that waits. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
