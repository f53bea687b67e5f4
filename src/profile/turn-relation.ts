import type { SentenceEmbedder, SimilarityScale } from "./ports.ts";
import { wordsOf } from "./text-features.ts";
import { dot } from "./vectors.ts";

/** How a request relates to the one before it. */
export type TurnRelation = "rephrase" | "follow_up" | "unrelated";

/**
 * `rephrase` = the same wish in other words, `follow_up` = the same topic. Similar sentences that differ by an exchanged
 * piece are two wishes ("turn on the kitchen lights", "turn on the bedroom lights"), unless the pieces are spelled alike:
 * then the first was misheard ("turn on the kitten lights"). The time between them is the caller's condition.
 *
 * @param similarity cosine of the two sentence vectors.
 */
export function relationOf(
  previous: string,
  current: string,
  similarity: number,
  scale: SimilarityScale,
): TurnRelation {
  if (similarity < scale.related) return "unrelated";
  const exchanged = exchangedPieces(wordsOf(previous), wordsOf(current));
  if (exchanged) return areSpelledAlike(...exchanged) ? "rephrase" : "follow_up";
  return similarity >= scale.rephrased ? "rephrase" : "follow_up";
}

/** {@link relationOf} with the similarity of that embedder. */
export async function relateTurns(
  embedder: SentenceEmbedder,
  previous: string,
  current: string,
): Promise<TurnRelation> {
  const [a, b] = await embedder.embed([previous, current]);
  return a && b ? relationOf(previous, current, dot(a, b), embedder.scale) : "unrelated";
}

/** The differing middles of two sentences whose common start and end make at least half of the longer; else null. */
function exchangedPieces(a: readonly string[], b: readonly string[]): [string, string] | null {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const pieces = [a, b].map((words) => words.slice(start, words.length - end).join(" "));
  const [left = "", right = ""] = pieces;
  const isMostlyCommon = 2 * (start + end) >= Math.max(a.length, b.length);
  return isMostlyCommon && left !== "" && right !== "" ? [left, right] : null;
}

function areSpelledAlike(a: string, b: string): boolean {
  const longest = Math.max(a.length, b.length);
  return editDistance(a.slice(0, 100), b.slice(0, 100)) <= 0.4 * Math.min(longest, 100);
}

/** Levenshtein distance: insertions, deletions and substitutions of single characters. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
