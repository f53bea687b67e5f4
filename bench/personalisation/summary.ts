import { seededRandom } from "../../src/adapt/seeded-random.ts";
import { spreadOf } from "../report.ts";
import type { ArmResult } from "./arm-result.ts";

/** An arm against the base on the same words. */
export interface ArmSummary {
  readonly arm: string;
  /** Writers measured. */
  readonly writers: number;
  readonly seeds: number;
  /** Relative drop of the perplexity per word, median over writers, with its 95 % bootstrap interval over writers. */
  readonly medianDrop: number;
  readonly low: number;
  readonly high: number;
  readonly better: number;
  /** Mean per writer and seed. */
  readonly cpuSeconds: number;
  readonly joules: number;
}

/** Raspberry Pi 5 under load, per busy core, above idle: the default of `governor.wattsPerThread` for that board. */
export const WATTS_PER_CORE = 1.5;
const RESAMPLES = 2_000;

/** Nats a word of one result. */
export function natsPerWord({ dialogues }: Pick<ArmResult, "dialogues">): number {
  const nats = dialogues.reduce((sum, [each]) => sum + each, 0);
  return nats / dialogues.reduce((sum, [, words]) => sum + words, 0);
}

/** Relative drop of the perplexity per word, by writer; several seeds by their mean nats. */
export function dropsOf(
  arm: ReadonlyMap<number, readonly ArmResult[]>,
  base: ReadonlyMap<number, readonly ArmResult[]>,
): Map<number, number> {
  const drops = new Map<number, number>();
  for (const [writer, results] of arm) {
    const [reference] = base.get(writer) ?? [];
    if (reference === undefined) continue;
    const nats = results.reduce((sum, result) => sum + natsPerWord(result), 0) / results.length;
    drops.set(writer, 1 - Math.exp(nats - natsPerWord(reference)));
  }
  return drops;
}

/** One line of the table; null when nothing was measured. */
export function summariseArm(
  name: string,
  arm: ReadonlyMap<number, readonly ArmResult[]>,
  base: ReadonlyMap<number, readonly ArmResult[]>,
): ArmSummary | null {
  const drops = [...dropsOf(arm, base).values()];
  if (drops.length === 0) return null;
  const all = [...arm.values()].flat();
  const cpuSeconds = all.reduce((sum, result) => sum + result.cpuSeconds, 0) / all.length;
  const [low, high] = medianInterval(drops);
  return {
    arm: name,
    writers: drops.length,
    seeds: Math.max(...[...arm.values()].map(({ length }) => length)),
    medianDrop: spreadOf(drops).median,
    low,
    high,
    better: drops.filter((drop) => drop > 0).length,
    cpuSeconds,
    joules: cpuSeconds * WATTS_PER_CORE,
  };
}

/** 95 % percentile interval of the median by a bootstrap over the samples. */
export function medianInterval(samples: readonly number[]): readonly [low: number, high: number] {
  return interval(samples, (drawn) => spreadOf(drawn).median);
}

/** 95 % percentile interval of the mean by a bootstrap over the samples. */
export function meanInterval(samples: readonly number[]): readonly [low: number, high: number] {
  return interval(samples, (drawn) => drawn.reduce((sum, value) => sum + value, 0) / drawn.length);
}

function interval(samples: readonly number[], of: (drawn: readonly number[]) => number): readonly [number, number] {
  const random = seededRandom(1);
  const values = Array.from({ length: RESAMPLES }, () =>
    of(samples.map(() => samples[Math.floor(random() * samples.length)] ?? Number.NaN)),
  ).sort((a, b) => a - b);
  return [values[Math.floor(0.025 * RESAMPLES)] ?? Number.NaN, values[Math.ceil(0.975 * RESAMPLES) - 1] ?? Number.NaN];
}
