import { type Clock, delay } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";

/** How much faster than real time skipped time goes by, at most. */
const SPEED = 1_000;
/** Between two leaps, real ms. */
const BREATH_MS = 1;
/** A leap makes up for at most this much real time: a process that was held up does not leap over what it missed. */
const MAX_BREATH_MS = 5;

interface Timer {
  /** On this clock's monotonic time. */
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  /** Takes it from the base clock; null while time is skipped. */
  disarm: (() => void) | null;
}

/**
 * Time on the virtual board. It is the base clock's until somebody sets the wall clock ({@link jump}) or skips idle time
 * ({@link skip}).
 *
 * INVARIANTS: monotonic time never goes back; no timer is left out by a skip, each is called at its own instant and in
 * order, with a turn of the event loop after it.
 */
export class VirtualClock implements Clock {
  readonly #base: Clock;
  readonly #timers = new Set<Timer>();
  #skippedMs: number;
  #jumpedMs = 0;
  #order = 0;
  #isSkipping = false;

  /** @param aheadMs by how much its two clocks are ahead of the base's. */
  constructor(base: Clock, aheadMs = 0) {
    this.#base = base;
    this.#skippedMs = aheadMs;
  }

  now(): number {
    return Math.round(this.#base.now() + this.#skippedMs + this.#jumpedMs);
  }

  monotonicMs(): number {
    return this.#base.monotonicMs() + this.#skippedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const dueMs = this.monotonicMs() + Math.max(0, delayMs);
    const timer: Timer = { dueMs, order: this.#order++, callback, disarm: null };
    this.#timers.add(timer);
    if (!this.#isSkipping) this.#arm(timer);
    return () => {
      this.#timers.delete(timer);
      timer.disarm?.();
    };
  }

  /** Sets the wall clock by that much, as NTP or a person does; timers and monotonic time stay. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }

  /**
   * Lets that much time pass, at most {@link SPEED} times faster than real time; at real speed while `isBusy`, so that
   * work of other processes takes the time it takes.
   *
   * @throws AppError E_REQUEST_BUSY when another skip is under way, E_ABORTED.
   */
  async skip(ms: number, isBusy: () => boolean, signal?: AbortSignal): Promise<void> {
    if (this.#isSkipping) throw new AppError("E_REQUEST_BUSY", "time is being skipped already");
    this.#isSkipping = true;
    for (const timer of this.#timers) {
      timer.disarm?.();
      timer.disarm = null;
    }
    try {
      const endMs = this.monotonicMs() + ms;
      while (this.monotonicMs() < endMs) {
        const beforeMs = this.#base.monotonicMs();
        await delay(this.#base, BREATH_MS, signal);
        const breathMs = Math.min(MAX_BREATH_MS, this.#base.monotonicMs() - beforeMs);
        const leapMs = isBusy() ? 0 : breathMs * (SPEED - 1);
        await this.#leap(Math.max(0, Math.min(leapMs, endMs - this.monotonicMs())), isBusy);
      }
    } finally {
      this.#isSkipping = false;
      for (const timer of this.#timers) this.#arm(timer);
    }
  }

  async #leap(ms: number, isBusy: () => boolean): Promise<void> {
    const endMs = this.monotonicMs() + ms;
    for (let next = this.#nextDue(endMs); next !== null; next = this.#nextDue(endMs)) {
      this.#skippedMs += Math.max(0, next.dueMs - this.monotonicMs());
      this.#timers.delete(next);
      next.callback();
      await new Promise((resolve) => setImmediate(resolve));
      if (isBusy()) return;
    }
    this.#skippedMs += Math.max(0, endMs - this.monotonicMs());
  }

  #nextDue(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (next === null || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }

  #arm(timer: Timer): void {
    timer.disarm = this.#base.after(timer.dueMs - this.monotonicMs(), () => {
      this.#timers.delete(timer);
      timer.callback();
    });
  }
}
