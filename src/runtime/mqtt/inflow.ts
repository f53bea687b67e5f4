import type { Clock } from "../../core/clock.ts";

/** Messages a second that are taken from the broker, and how many at once before that. */
const PER_SECOND = 200;
const AT_ONCE = 50;

/**
 * Slows down what comes in. A message whose `done` is not called yet is not acknowledged, and nothing behind it is read:
 * the broker waits, and drops what is too much for it, instead of this process, whose turns would wait for requests.
 */
export class Inflow {
  readonly #clock: Clock;
  #credit = AT_ONCE;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /** Calls `done` at once, or when it is this message's turn. One message at a time. */
  pass(done: () => void): void {
    const nowMs = this.#clock.monotonicMs();
    this.#credit = Math.min(AT_ONCE, this.#credit + ((nowMs - this.#atMs) * PER_SECOND) / 1000);
    this.#atMs = nowMs;
    if (this.#credit >= 1) {
      this.#credit -= 1;
      done();
      return;
    }
    this.#clock.after(((1 - this.#credit) * 1000) / PER_SECOND, () => this.pass(done));
  }
}
