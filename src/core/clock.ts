import { AppError } from "./errors.ts";

/** Time as a port, so that tests never sleep. */
export interface Clock {
  /** Wall clock, ms since the Unix epoch; may jump both ways. */
  now(): number;
  /** Monotonic, ms since an arbitrary instant; for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; returns the cancel function (safe to call twice). */
  after(delayMs: number, callback: () => void): () => void;
}

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  }
}

/**
 * Resolves after `delayMs` on that clock.
 * @throws AppError E_ABORTED when the signal fires first.
 */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AppError("E_ABORTED", "aborted before waiting"));
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = () => {
      cancel();
      reject(new AppError("E_ABORTED", "aborted while waiting"));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * The promise's result, or E_TIMEOUT naming `what` after `timeoutMs`. The losing promise keeps running: pass it a signal
 * when it holds something.
 */
export async function withDeadline<T>(clock: Clock, timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  let cancel = () => {};
  const expired = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () =>
      reject(new AppError("E_TIMEOUT", `${what} took longer than ${timeoutMs} ms`)),
    );
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    cancel();
  }
}
