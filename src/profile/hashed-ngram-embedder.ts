import { mapInPieces } from "../core/map-in-pieces.ts";
import type { SentenceEmbedder, SimilarityScale } from "./ports.ts";
import { hashText, wordsOf } from "./text-features.ts";
import { normalise } from "./vectors.ts";

/** Texts embedded before the event loop gets its turn: about 2 ms on x86. */
export const TEXTS_AT_ONCE = 64;

export interface HashedNgramOptions {
  /** Length of the vectors; default 1024. */
  readonly dimensions?: number;
}

/**
 * Sentence vectors without any weights: words and character 3- to 5-grams, hashed with signs into a fixed length (feature
 * hashing, arXiv 0902.2206). Frequent English words count less. Used where the word vectors are missing.
 */
export class HashedNgramEmbedder implements SentenceEmbedder {
  readonly id: string;
  readonly dimensions: number;
  readonly scale: SimilarityScale = { related: 0.3, rephrased: 0.45 };

  constructor(options: HashedNgramOptions = {}) {
    this.dimensions = options.dimensions ?? 1024;
    this.id = `hashed-ngrams-1/${this.dimensions}`;
  }

  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    return mapInPieces(texts, TEXTS_AT_ONCE, (text) => {
      const vector = new Float32Array(this.dimensions);
      for (const word of wordsOf(text)) addWord(vector, word, FREQUENT.has(word) ? 1 / 3 : 1);
      return normalise(vector);
    });
  }
}

const FREQUENT: ReadonlySet<string> = new Set(
  "the a an to of in on at for with and or is are was be do does did can could will would i you it me my we that this what how please have has".split(
    " ",
  ),
);

/** Adds one word's features: the word itself and its 3- to 5-grams with edges, the n-grams sharing one word's weight. */
export function addWord(vector: Float32Array, word: string, weight: number): void {
  add(vector, `w${word}`, weight);
  const edged = `^${word}$`;
  const grams: string[] = [];
  for (let n = 3; n <= 5; n++) for (let i = 0; i + n <= edged.length; i++) grams.push(edged.slice(i, i + n));
  for (const gram of grams) add(vector, `c${gram}`, weight / Math.sqrt(grams.length));
}

function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashText(feature);
  const index = (hash >>> 1) % vector.length;
  vector[index] = (vector[index] ?? 0) + (hash & 1 ? weight : -weight);
}
