import { dot, dotSmall, type SmallVector } from "./vectors.ts";

/** One past exchange as retrieval sees it. */
export interface RetrievalEntry {
  readonly id: string;
  readonly vector: SmallVector;
  /** Cosine of the vector and the query. */
  readonly similarity: number;
  readonly atMs: number;
  readonly satisfaction: { readonly estimate: number; readonly confidence: number };
  /** True when a standing correction replaces the answer. */
  readonly isCorrected: boolean;
}

export interface RetrievalParameters {
  /** Cosine below which an exchange has nothing to do with the input. Depends on the embedder. */
  readonly minSimilarity: number;
  /** Half-life of the recency factor, ms. */
  readonly halfLifeMs: number;
  /** s * c at or below which an uncorrected answer counts as disliked. */
  readonly dislikedBelow: number;
  /** Weight of the similarity to the profile vector. */
  readonly profileWeight: number;
}

/**
 * Ids of the best exchanges for an input, best first: score = cosine * (0.8 + 0.2 recency) * (1 + s c / 2)
 * + profileWeight * cosine to the profile vector. Disliked answers are left out, except where a correction stands in for
 * the answer (it counts as approved). Ties go to the newer.
 *
 * @param profile profile vector (see profile-vector.ts), borrowed.
 */
export function rankExchanges(
  entries: Iterable<RetrievalEntry>,
  profile: Float32Array,
  nowMs: number,
  limit: number,
  parameters: RetrievalParameters,
): readonly { readonly id: string; readonly score: number }[] {
  const profileLength = Math.sqrt(dot(profile, profile)) || 1;
  const scored: { id: string; score: number; atMs: number }[] = [];
  for (const entry of entries) {
    const approval = entry.isCorrected ? 1 : entry.satisfaction.estimate * entry.satisfaction.confidence;
    if (approval <= parameters.dislikedBelow) continue;
    const { similarity } = entry;
    if (similarity < parameters.minSimilarity) continue;
    const recency = 2 ** (-Math.max(0, nowMs - entry.atMs) / parameters.halfLifeMs);
    const prior = (parameters.profileWeight * dotSmall(profile, entry.vector)) / profileLength;
    scored.push({
      id: entry.id,
      score: similarity * (0.8 + 0.2 * recency) * (1 + approval / 2) + prior,
      atMs: entry.atMs,
    });
  }
  return scored.sort((a, b) => b.score - a.score || b.atMs - a.atMs).slice(0, limit);
}
