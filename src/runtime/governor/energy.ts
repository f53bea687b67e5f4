/** How an amount of energy became known. */
export type EnergySource = "measured" | "estimated";

/** Energy that training took on one day, joules. */
export interface EnergyDay {
  /** Local date, `2026-11-23`; null before the first entry. */
  readonly day: string | null;
  readonly measuredJ: number;
  readonly estimatedJ: number;
  /** Running time since the count began, ms: with a clock that stands or jumps back, a day ends after 24 h of this. */
  readonly countedMs: number;
}

export const NO_ENERGY: EnergyDay = { day: null, measuredJ: 0, estimatedJ: 0, countedMs: 0 };

const DAY_MS = 86_400_000;
const JOULES_PER_WH = 3_600;

export interface EnergyEntry {
  readonly day: string;
  /** Monotonic time that the entry covers, ms. */
  readonly elapsedMs: number;
  readonly joules: number;
  readonly source: EnergySource;
}

/**
 * The day's account with one entry more. It starts again when the date is later than before, or after 24 h of running
 * time. A clock that is set back grants nothing.
 */
export function account(before: EnergyDay, { day, elapsedMs, joules, source }: EnergyEntry): EnergyDay {
  const isNewDay = before.day === null || day > before.day || before.countedMs + elapsedMs > DAY_MS;
  const start = isNewDay ? { ...NO_ENERGY, day } : before;
  return {
    day: start.day,
    measuredJ: start.measuredJ + (source === "measured" ? joules : 0),
    estimatedJ: start.estimatedJ + (source === "estimated" ? joules : 0),
    countedMs: start.countedMs + elapsedMs,
  };
}

export function wattHours({ measuredJ, estimatedJ }: EnergyDay): number {
  return (measuredJ + estimatedJ) / JOULES_PER_WH;
}

/** `mixed`: a probe came or went during the day. Null: nothing counted yet. */
export function sourceOf({ measuredJ, estimatedJ }: EnergyDay): EnergySource | "mixed" | null {
  if (measuredJ > 0 && estimatedJ > 0) return "mixed";
  if (measuredJ > 0) return "measured";
  return estimatedJ > 0 ? "estimated" : null;
}

/** Local date as text that sorts by time. */
export function localDay(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** What the board takes without training: an average that forgets with a time constant of 10 min. */
export class IdlePower {
  #watts: number | null = null;

  /** Null until it was measured at least once. */
  get watts(): number | null {
    return this.#watts;
  }

  observe(watts: number, elapsedMs: number): void {
    const weight = 1 - Math.exp(-elapsedMs / IDLE_TIME_CONSTANT_MS);
    this.#watts = this.#watts === null ? watts : this.#watts + weight * (watts - this.#watts);
  }
}

const IDLE_TIME_CONSTANT_MS = 600_000;

export interface TrainingPower {
  readonly watts: number;
  readonly source: EnergySource;
}

/**
 * What training takes: the measured input above what the board takes without it; everything, while that is unknown (the
 * allowance then errs towards less training). Without a measurement, an estimate from the threads at work.
 *
 * @param inputW null when the board cannot measure it.
 * @param wattsPerThread above idle; docs/hardware.md#energy names the source per board.
 */
export function trainingPower(
  inputW: number | null,
  idleW: number | null,
  budget: { readonly duty: number; readonly threads: number },
  wattsPerThread: number,
): TrainingPower {
  if (inputW === null) return { watts: wattsPerThread * budget.threads * budget.duty, source: "estimated" };
  return { watts: Math.max(0, inputW - (idleW ?? 0)), source: "measured" };
}
