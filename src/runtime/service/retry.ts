import { type Clock, delay } from "../../core/clock.ts";
import { isAppError } from "../../core/errors.ts";

export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Wait before attempt `n` (0-based): doubles from `firstMs`, capped at `maxMs`. */
export function backOffMs({ firstMs, maxMs }: BackOff, attempt: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
}

/**
 * Calls `work` until it succeeds, telling `onFailure` each time; ends early, without an error, when the signal fires.
 * @returns what `work` returned, or undefined when aborted.
 */
export async function retryUntil<T>(
  clock: Clock,
  backOff: BackOff,
  signal: AbortSignal,
  work: () => Promise<T>,
  onFailure: (error: unknown, nextMs: number) => void,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      const waitMs = backOffMs(backOff, attempt);
      onFailure(error, waitMs);
      try {
        await delay(clock, waitMs, signal);
      } catch (waitError) {
        if (isAppError(waitError, "E_ABORTED")) return undefined;
        throw waitError;
      }
    }
  }
  return undefined;
}
