import type { SplitSettings } from "./training-settings.ts";

/** Three stretches of a list in time order, oldest first. */
export interface TimeSplit<T> {
  readonly training: readonly T[];
  readonly validation: readonly T[];
  readonly heldOut: readonly T[];
}

/**
 * Cuts by position, never by clock: the newest share is held out, the newest share of the rest validates. With fewer
 * than 3 items everything is training.
 */
export function splitByTime<T>(items: readonly T[], settings: SplitSettings): TimeSplit<T> {
  if (items.length < 3) return { training: items, validation: [], heldOut: [] };
  const heldOutCount = shareOf(items.length, settings.heldOutShare);
  const rest = items.length - heldOutCount;
  const validationCount = rest < 3 ? 0 : shareOf(rest, settings.validationShare);
  return {
    training: items.slice(0, rest - validationCount),
    validation: items.slice(rest - validationCount, rest),
    heldOut: items.slice(rest),
  };
}

/** At least 1 when the share is above 0. */
function shareOf(count: number, share: number): number {
  return share <= 0 ? 0 : Math.max(1, Math.round(count * share));
}
