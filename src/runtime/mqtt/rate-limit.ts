import type { Clock } from "../../core/clock.ts";

/** A token bucket per name: as many at once as its limit a minute, then evenly. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one; false when there is none. @param perMinute > 0. */
  take(name: string, perMinute: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(name) ?? { tokens: perMinute, atMs: nowMs };
    const tokens = Math.min(perMinute, bucket.tokens + ((nowMs - bucket.atMs) * perMinute) / 60_000);
    const isTaken = tokens >= 1;
    this.#buckets.set(name, { tokens: isTaken ? tokens - 1 : tokens, atMs: nowMs });
    return isTaken;
  }
}
