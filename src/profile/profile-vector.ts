import type { Modality } from "./ports.ts";
import type { SmallVector } from "./vectors.ts";

/** One interaction as the profile vector sees it. */
export interface VectorInput {
  readonly vector: SmallVector;
  /** Cosine of the vector and the context (the unit embedding of the present turn), in [-1, 1]. */
  readonly similarity: number;
  readonly ageMs: number;
  /** s in [-1, 1] and c in [0, 1]. */
  readonly satisfaction: { readonly estimate: number; readonly confidence: number };
  readonly modality: Modality;
}

export interface ProfileVectorParameters {
  /** Half-life of an interaction's weight, ms; > 0. */
  readonly halfLifeMs: number;
  /** Temperature of the attention over context; > 0, smaller = sharper. */
  readonly tau: number;
  readonly modalityWeight: Readonly<Record<Modality, number>>;
}

/** A spoken sentence is the user's own words; a button's label is the device's. */
export const DEFAULT_VECTOR_PARAMETERS: ProfileVectorParameters = {
  halfLifeMs: 30 * 24 * 3_600_000,
  tau: 0.5,
  modalityWeight: { voice: 1, text: 1, button: 0.5 },
};

/**
 * Weight of one interaction: a = 2^(-age / half-life) * (1 + s c) * modality weight * exp(similarity / tau), the weighted
 * sum of arXiv 2409.16973 (user profiling layer) with every weight named (docs/personalisation.md). An age below 0, from a
 * clock that was set back, counts as 0.
 */
export function interactionWeight(input: Omit<VectorInput, "vector">, parameters: ProfileVectorParameters): number {
  const recency = 2 ** (-Math.max(0, input.ageMs) / parameters.halfLifeMs);
  const approval = 1 + input.satisfaction.estimate * input.satisfaction.confidence;
  return recency * approval * parameters.modalityWeight[input.modality] * Math.exp(input.similarity / parameters.tau);
}

/**
 * Profile vector P = Σ(a_i d_i) / Σ(a_i); inside the convex hull of the d_i, hence of length at most 1.
 *
 * @param dimensions length of every d_i.
 * @returns Float32Array of `dimensions`; zero when nothing has weight.
 */
export function profileVector(
  inputs: readonly VectorInput[],
  dimensions: number,
  parameters: ProfileVectorParameters = DEFAULT_VECTOR_PARAMETERS,
): Float32Array {
  const sum = new Float64Array(dimensions);
  let total = 0;
  for (const input of inputs) {
    const weight = interactionWeight(input, parameters);
    total += weight;
    addScaled(sum, weight * input.vector.step, input.vector.levels);
  }
  return total > 0 ? Float32Array.from(sum, (value) => value / total) : new Float32Array(dimensions);
}

function addScaled(sum: Float64Array, factor: number, levels: Int8Array): void {
  // The casts stand for bounds that the loop keeps: this runs for every stored component of the profile, each turn.
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + factor * (levels[i] as number);
}
