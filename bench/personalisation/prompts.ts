import type { SentenceEmbedder } from "../../src/profile/ports.ts";
import type { DialogueEncoder } from "./dialogue-encoder.ts";
import { countWords } from "./writers.ts";

/** Turns of the present dialogue that similar exchanges are looked up by. */
const QUERY_TURNS = 4;
/** Exchanges that are tried, best first, until the budget is spent. */
const TRIED = 8;
const PROFILE_WORDS = 10;

/** Tokens to put in front of the window that begins at `firstTurn` of a dialogue; only words said earlier count. */
export type PromptFor = (turns: readonly string[], firstTurn: number, dialogue: number) => readonly number[];

export const noPrompt: PromptFor = () => [];

/** Earlier exchanges most similar to the dialogue so far; none at its very beginning. */
export async function retrievalPrompt(
  encoder: DialogueEncoder,
  embedder: SentenceEmbedder,
  dialogues: readonly (readonly string[])[],
  budgetTokens: number,
): Promise<PromptFor> {
  const exchanges = dialogues.flatMap((turns, dialogue) =>
    Array.from({ length: Math.floor(turns.length / 2) }, (_, i) => ({
      dialogue,
      turns: turns.slice(2 * i, 2 * i + 2),
    })),
  );
  const vectors = await embedder.embed(exchanges.map(({ turns }) => turns.join(" ")));
  const queries = new Map<string, Float32Array>();
  const texts = dialogues.flatMap((turns) => turns.map((_, i) => queryOf(turns, i)));
  for (const [i, vector] of (await embedder.embed(texts)).entries()) queries.set(texts[i] ?? "", vector);
  return (turns, firstTurn, dialogue) => {
    const query = queries.get(queryOf(turns, firstTurn));
    if (firstTurn === 0 || query === undefined) return [];
    const best = exchanges
      .map((exchange, i) => ({ exchange, similarity: cosine(query, vectors[i] ?? query) }))
      .filter(({ exchange }) => exchange.dialogue < dialogue)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, TRIED);
    let prompt: readonly number[] = [];
    for (const { exchange } of best) {
      const tokens = encoder.exchangePrefix(exchange.turns);
      if (prompt.length + tokens.length <= budgetTokens) prompt = [...tokens, ...prompt]; // the best one stands nearest
    }
    return prompt;
  };
}

/** What the writer talks about more than others do, as a fact in the system message. */
export function profilePrompt(
  encoder: DialogueEncoder,
  own: readonly (readonly string[])[],
  general: ReadonlyMap<string, number>,
): PromptFor {
  const generalTotal = [...general.values()].reduce((sum, count) => sum + count, 1);
  const counts = wordCounts(own.flat());
  const total = [...counts.values()].reduce((sum, count) => sum + count, 1);
  const words = [...counts]
    .filter(([word, count]) => count >= 3 && word.length > 3)
    .map(([word, count]) => {
      const expected = (total * ((general.get(word) ?? 0) + 1)) / generalTotal;
      return { word, weight: count * Math.log(count / expected) };
    })
    .sort((a, b) => b.weight - a.weight)
    .slice(0, PROFILE_WORDS)
    .map(({ word }) => word);
  const prefix = words.length === 0 ? [] : encoder.systemPrefix(`The user talks about ${words.join(", ")}.`);
  return () => prefix;
}

/** Counts of lower-case words. */
export function wordCounts(turns: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const turn of turns) {
    if (countWords(turn) === 0) continue;
    for (const word of turn.toLowerCase().match(/[\p{L}']+/gu) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function queryOf(turns: readonly string[], firstTurn: number): string {
  return turns.slice(Math.max(0, firstTurn - QUERY_TURNS), firstTurn).join(" ");
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}
