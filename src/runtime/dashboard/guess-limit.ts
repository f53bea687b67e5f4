import type { Clock } from "../../core/clock.ts";

const MAX_WRONG = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at a time; the one that was seen first makes room. */
const MAX_ADDRESSES = 1_000;

/** How often each address may be wrong about the token: ten times a minute. */
export class GuessLimit {
  readonly #clock: Clock;
  readonly #wrongAtMs = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms until that address may try again; 0 = now. */
  waitMs(address: string): number {
    const recent = this.#recent(address);
    const first = recent[recent.length - MAX_WRONG];
    return first === undefined ? 0 : Math.max(0, first + WINDOW_MS - this.#clock.monotonicMs());
  }

  wrong(address: string): void {
    this.#wrongAtMs.set(address, [...this.#recent(address), this.#clock.monotonicMs()].slice(-MAX_WRONG));
    for (const oldest of this.#wrongAtMs.keys()) {
      if (this.#wrongAtMs.size <= MAX_ADDRESSES) break;
      this.#wrongAtMs.delete(oldest);
    }
  }

  #recent(address: string): number[] {
    const sinceMs = this.#clock.monotonicMs() - WINDOW_MS;
    return (this.#wrongAtMs.get(address) ?? []).filter((atMs) => atMs > sinceMs);
  }
}
