import type { TrainerPlan } from "../../src/adapt/ports.ts";
import { type BenchResult, significant, spreadOf } from "../report.ts";
import type { Sample } from "./measure.ts";
import type { Shape } from "./shapes.ts";

/** The clock that a comparison goes by. */
export type TimeOf = (sample: Sample) => number;

export interface RowShape {
  readonly shape: Shape;
  readonly type: string;
  readonly tokens: number;
  /** Default 1. */
  readonly sequences?: number;
}

/** Which way the gradient takes, and what is kept: "fused, 12 kept, 4 whole". */
export function planText({ backward, keptLayers = 0, wholeLayers = 0 }: TrainerPlan): string {
  const kept = keptLayers === wholeLayers ? `${keptLayers} layers kept` : `${keptLayers} kept, ${wholeLayers} whole`;
  return `${backward}, ${keptLayers === 0 ? "recomputed" : kept}`;
}

/** One row of the table. @param promptMs llama.cpp's time for as many tokens; null where there is no such thing. */
export function rowOf(
  { shape, type, tokens, sequences = 1 }: RowShape,
  plan: string,
  stepMs: number,
  promptMs: number | null,
  peakMb: number,
  promptPeakMb: number | null,
): NonNullable<BenchResult["rows"]>[number] {
  return {
    shape: shape.name,
    type,
    tokens,
    sequences,
    plan,
    step_ms: significant(stepMs),
    tokens_per_s: significant((1000 * tokens * sequences) / stepMs),
    pp_ms: promptMs === null ? null : significant(promptMs),
    step_over_pp: promptMs === null ? null : significant(stepMs / promptMs),
    peak_mb: significant(peakMb),
    train_over_infer_memory: promptPeakMb === null ? null : significant(peakMb / promptPeakMb),
  };
}

export function middle(samples: readonly Sample[], timeOf: TimeOf): number {
  return spreadOf(samples.map(timeOf)).median;
}

/** Largest resident memory of all runs, MiB. */
export function peakOf(samples: readonly Sample[]): number {
  return Math.max(...samples.map(({ peakRssMb }) => peakRssMb));
}
