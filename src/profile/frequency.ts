import type { Domain } from "./ports.ts";

/** Decayed counts: what is asked for, and when; plain data. Each count is valid at `atMs`. */
export interface Frequency {
  readonly atMs: number;
  readonly domains: Readonly<Partial<Record<Domain, number>>>;
  /** 24 counts, index = local hour. */
  readonly hours: readonly number[];
}

export const NO_FREQUENCY: Frequency = { atMs: 0, domains: {}, hours: new Array<number>(24).fill(0) };

/** The counts as they stand at `nowMs`: each halves every `halfLifeMs`. A clock that went back changes nothing. */
export function decayed(frequency: Frequency, nowMs: number, halfLifeMs: number): Frequency {
  const factor = 2 ** (-Math.max(0, nowMs - frequency.atMs) / halfLifeMs);
  return {
    atMs: Math.max(nowMs, frequency.atMs),
    domains: Object.fromEntries(Object.entries(frequency.domains).map(([domain, count]) => [domain, count * factor])),
    hours: frequency.hours.map((count) => count * factor),
  };
}

/** The counts after one more turn. @param hour local hour 0..23. */
export function countTurn(
  frequency: Frequency,
  turn: { readonly domain: Domain; readonly hour: number; readonly atMs: number },
  halfLifeMs: number,
): Frequency {
  const now = decayed(frequency, turn.atMs, halfLifeMs);
  return {
    atMs: now.atMs,
    domains: { ...now.domains, [turn.domain]: (now.domains[turn.domain] ?? 0) + 1 },
    hours: now.hours.map((count, hour) => (hour === turn.hour ? count + 1 : count)),
  };
}
