import { describe, expect, test } from "vitest";
import { type RetrievalEntry, rankExchanges } from "../../../src/profile/retrieval.ts";
import { dotSmall, shrink } from "../../../src/profile/vectors.ts";

const DAY_MS = 24 * 3_600_000;
const NOW = 1000 * DAY_MS;
const parameters = { minSimilarity: 0.4, halfLifeMs: 30 * DAY_MS, dislikedBelow: -0.2, profileWeight: 0 };
const query = Float32Array.of(1, 0, 0);
const none = new Float32Array(3);

function entry(id: string, vector: number[], changes: Partial<RetrievalEntry> = {}): RetrievalEntry {
  const small = shrink(Float32Array.from(vector));
  return {
    id,
    vector: small,
    similarity: dotSmall(query, small),
    atMs: NOW,
    satisfaction: { estimate: 0, confidence: 0 },
    isCorrected: false,
    ...changes,
  };
}

function ids(entries: RetrievalEntry[], profile = none, changes: Partial<typeof parameters> = {}): string[] {
  return rankExchanges(entries, profile, NOW, 3, { ...parameters, ...changes }).map(({ id }) => id);
}

describe("rankExchanges", () => {
  test("the most similar comes first; below 0.4 nothing comes", () => {
    const entries = [entry("half", [0.5, 0.86, 0]), entry("same", [1, 0, 0]), entry("third", [0.39, 0.92, 0])];
    expect(ids(entries)).toEqual(["same", "half"]);
  });

  test("of two alike, the newer; of two alike and as old, the liked one", () => {
    const old = entry("old", [1, 0, 0], { atMs: NOW - 60 * DAY_MS });
    expect(ids([old, entry("new", [1, 0, 0])])).toEqual(["new", "old"]);
    const liked = entry("liked", [1, 0, 0], { satisfaction: { estimate: 1, confidence: 1 } });
    expect(ids([entry("plain", [1, 0, 0]), liked])).toEqual(["liked", "plain"]);
  });

  test("a rephrased answer (s c = -0.24) is left out, a barge-in (-0.12) is not", () => {
    const rephrased = entry("rephrased", [1, 0, 0], { satisfaction: { estimate: -0.6, confidence: 0.4 } });
    const interrupted = entry("interrupted", [1, 0, 0], { satisfaction: { estimate: -0.4, confidence: 0.3 } });
    expect(ids([rephrased, interrupted])).toEqual(["interrupted"]);
  });

  test("a corrected one comes, and before an unjudged one", () => {
    const corrected = entry("corrected", [1, 0, 0], {
      satisfaction: { estimate: -1, confidence: 1 },
      isCorrected: true,
    });
    expect(ids([entry("plain", [1, 0, 0]), corrected])).toEqual(["corrected", "plain"]);
  });

  test("the profile vector decides between two that fit the query alike", () => {
    const entries = [entry("a", [0.7, 0.7, 0]), entry("b", [0.7, 0, 0.7])];
    expect(ids(entries, Float32Array.of(0, 0, 0.3), { profileWeight: 0.05 })).toEqual(["b", "a"]);
    expect(ids(entries, Float32Array.of(0, 0.3, 0), { profileWeight: 0.05 })).toEqual(["a", "b"]);
  });

  test("gives at most the 3 asked for", () => {
    expect(ids(Array.from({ length: 9 }, (_, i) => entry(`e${i}`, [1, 0, 0])))).toHaveLength(3);
  });
});
