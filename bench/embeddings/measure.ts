/**
 * Measures one candidate in a process of its own, so that its memory is its own: prints one line of JSON.
 * Arguments: candidate's name, data file, draws, every n-th test query, folder with USE-lite.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { CANDIDATES } from "./candidates.ts";

export interface Measurement {
  /** Percent of test queries whose nearest example has their intent, one per random draw of the examples. */
  readonly accuracies: readonly number[];
  readonly queries: number;
  readonly loadMs: number;
  readonly rssDeltaMb: number;
  /** Milliseconds for one sentence alone, 200 of them. */
  readonly sentenceMs: readonly number[];
  readonly dimensions: number;
}

interface Row {
  readonly split: string;
  readonly text: string;
  readonly intent: string;
}

const EXAMPLES = 10;
const [name = "", dataFile = "", draws = "1", every = "1", useLite = ""] = process.argv.slice(2);
const candidate = CANDIDATES.find((one) => one.name === name);
if (!candidate) throw new Error(`no candidate of the name ${name}`);

const rows = gunzipSync(readFileSync(dataFile))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Row);
const train = rows.filter(({ split }) => split === "train");
const test = rows.filter(({ split }, i) => split === "test" && i % Number(every) === 0);

globalThis.gc?.();
const rssBefore = process.memoryUsage.rss();
const startedMs = performance.now();
const embed = await candidate.load({ useLite });
await embed(["turn on the kitchen lights"]);
const loadMs = performance.now() - startedMs;
const sentenceMs: number[] = [];
for (const { text } of test.slice(0, 200)) {
  const beforeMs = performance.now();
  await embed([text]);
  sentenceMs.push(performance.now() - beforeMs);
}
globalThis.gc?.();
const rssDeltaMb = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;

const queries = matrixOf(await embed(test.map(({ text }) => text)));
const accuracies: number[] = [];
for (let draw = 1; draw <= Number(draws); draw++) {
  const examples = drawExamples(train, randomFrom(draw));
  const known = matrixOf(await embed(examples.map(({ text }) => text)));
  let right = 0;
  for (const [i, { intent }] of test.entries()) if (examples[nearest(queries, i, known)]?.intent === intent) right++;
  accuracies.push((100 * right) / test.length);
}
const measurement: Measurement = {
  accuracies,
  queries: test.length,
  loadMs,
  rssDeltaMb,
  sentenceMs,
  dimensions: queries.dimensions,
};
process.stdout.write(`\n${JSON.stringify(measurement)}\n`);
process.exit(0);

/** Ten random training sentences of each intent. */
function drawExamples(from: readonly Row[], random: () => number): Row[] {
  const shuffled = from.map((row) => ({ row, key: random() })).sort((a, b) => a.key - b.key);
  const taken = new Map<string, number>();
  return shuffled.flatMap(({ row }) => {
    const count = taken.get(row.intent) ?? 0;
    taken.set(row.intent, count + 1);
    return count < EXAMPLES ? [row] : [];
  });
}

/** Linear congruential generator (Numerical Recipes), 0..1; the draw is its seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Matrix {
  readonly dimensions: number;
  /** Rows of length 1, one after the other. */
  readonly values: Float32Array;
}

function matrixOf(vectors: readonly ArrayLike<number>[]): Matrix {
  const dimensions = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * dimensions);
  for (const [row, vector] of vectors.entries()) {
    const length = Math.sqrt(Array.from(vector).reduce((sum, x) => sum + x * x, 0)) || 1;
    for (let j = 0; j < dimensions; j++) values[row * dimensions + j] = (vector[j] ?? 0) / length;
  }
  return { dimensions, values };
}

function nearest(queries: Matrix, query: number, known: Matrix): number {
  const { dimensions } = queries;
  const q = queries.values.subarray(query * dimensions, (query + 1) * dimensions);
  const count = known.values.length / dimensions;
  let best = Number.NEGATIVE_INFINITY;
  let index = 0;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    const at = row * dimensions;
    for (let j = 0; j < dimensions; j++) sum += (q[j] as number) * (known.values[at + j] as number);
    if (sum > best) {
      best = sum;
      index = row;
    }
  }
  return index;
}
