import { readFile } from "node:fs/promises";
import { AppError } from "../core/errors.ts";
import { mapInPieces } from "../core/map-in-pieces.ts";
import { addWord, TEXTS_AT_ONCE } from "./hashed-ngram-embedder.ts";
import type { SentenceEmbedder, SimilarityScale } from "./ports.ts";
import { wordsOf } from "./text-features.ts";
import { normalise } from "./vectors.ts";
import { decodeWordVectors, type WordVectorTable } from "./word-vector-file.ts";

/** Length of the hashed part; 412 and the words' 100 make 512. */
const HASHED = 412;
/** Length of the hashed part against the words' part. */
const HASHED_SHARE = 0.8;

/**
 * Sentence vectors from word vectors: their mean weighted by smooth inverse frequency, whitened softly (both in the file,
 * made by deploy/build-word-vectors.ts), beside hashed words and character n-grams, which cover unknown words and
 * recogniser errors. Chosen by `bench embeddings`.
 */
export class WordVectorEmbedder implements SentenceEmbedder {
  readonly id: string;
  readonly dimensions: number;
  readonly scale: SimilarityScale = { related: 0.4, rephrased: 0.55 };
  readonly #table: WordVectorTable;

  constructor(table: WordVectorTable) {
    this.#table = table;
    this.dimensions = table.dimensions + HASHED;
    this.id = `words-en-1/${this.dimensions}`;
  }

  /** @throws AppError E_FILE_UNREADABLE, E_EMBEDDER_INVALID. */
  static async load(path: string): Promise<WordVectorEmbedder> {
    let file: Buffer;
    try {
      file = await readFile(path);
    } catch (error) {
      throw new AppError("E_FILE_UNREADABLE", `cannot read the word vectors ${path}`, { cause: error });
    }
    return new WordVectorEmbedder(decodeWordVectors(file));
  }

  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    return mapInPieces(texts, TEXTS_AT_ONCE, (text) => this.#embed(text));
  }

  #embed(text: string): Float32Array {
    const { dimensions, offset, rows, weights } = this.#table;
    const meaning = new Float32Array(dimensions);
    const spelling = new Float32Array(HASHED);
    let known = 0;
    for (const word of wordsOf(text)) {
      const row = rows.get(word);
      const weight = row === undefined ? 1 : (weights[row] ?? 0) / 255;
      addWord(spelling, word, weight);
      if (row === undefined) continue;
      known++;
      this.#addRow(meaning, row, weight);
    }
    normalise(meaning);
    if (known > 0) for (let i = 0; i < dimensions; i++) meaning[i] = (meaning[i] ?? 0) - (offset[i] ?? 0);
    const vector = new Float32Array(this.dimensions);
    vector.set(normalise(meaning));
    vector.set(
      normalise(spelling).map((x) => x * HASHED_SHARE),
      dimensions,
    );
    return normalise(vector);
  }

  #addRow(sum: Float32Array, row: number, weight: number): void {
    const { dimensions, levels, steps } = this.#table;
    const factor = weight * (steps[row] ?? 0);
    const start = row * dimensions;
    for (let i = 0; i < dimensions; i++) sum[i] = (sum[i] ?? 0) + factor * (levels[start + i] ?? 0);
  }
}
