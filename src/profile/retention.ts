const DAY_MS = 24 * 3_600_000;
/** Share of the time after which rows go with those that have to. */
const EARLY_SHARE = 0.9;

/**
 * What has expired: null, or the time before which interactions are to be deleted.
 *
 * As soon as the oldest has reached `days`, everything older than 90 % of them goes with it. Every deletion takes the adapters
 * that were trained on the rows out of use; row by row, a profile would be without one every day.
 *
 * @param oldestMs time of the oldest interaction; null = there is none.
 * @param days 0 = kept for good.
 * @param checkMs time until this is looked at again: nothing may grow older than `days` until then.
 */
export function expiryBefore(oldestMs: number | null, nowMs: number, days: number, checkMs: number): number | null {
  if (oldestMs === null || days <= 0) return null;
  if (oldestMs > nowMs - days * DAY_MS + checkMs) return null;
  return nowMs - days * DAY_MS * EARLY_SHARE;
}
