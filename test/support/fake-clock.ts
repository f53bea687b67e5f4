import type { Clock } from "../../src/core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A {@link Clock} that moves only when told to. Monotonic time starts at 0, wall time at `startMs`
 * (default 2026-01-05T12:00:00Z, a Monday).
 */
export class FakeClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #nextOrder = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 5, 12)) {
    this.#wallOffsetMs = startMs;
  }

  now(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#nextOrder++, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /**
   * Moves both clocks forward and runs every timer that falls due, in time order, each at its own instant; timers set
   * by those callbacks run too when they fall within the span. Between two timers all pending promise reactions run, so
   * that `await delay(clock, ...)` loops proceed as they would in real time.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settled();
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#timers.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.callback();
      await settled();
    }
    this.#monotonicMs = endMs;
    await settled();
  }

  /** Shifts wall time only, as NTP or a missing RTC does; timers and monotonic time stay. */
  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** How many timers wait; 0 means that nothing was leaked. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Monotonic ms until the earliest timer, or null when none waits. */
  get nextTimerMs(): number | null {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next === undefined ? null : next.dueMs - this.#monotonicMs;
  }

  #nextDue(endMs: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (
        earliest === undefined ||
        timer.dueMs < earliest.dueMs ||
        (timer.dueMs === earliest.dueMs && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }
}

/** One turn of the event loop: every promise reaction queued so far has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
