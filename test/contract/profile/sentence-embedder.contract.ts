import { describe, expect, test } from "vitest";
import type { SentenceEmbedder } from "../../../src/profile/ports.ts";
import { WorkPerRound } from "../../support/work-per-round.ts";

function cosine(a: Float32Array | undefined, b: Float32Array | undefined): number {
  return Array.from(a ?? []).reduce((sum, x, i) => sum + x * (b?.[i] ?? 0), 0);
}

/** What every {@link SentenceEmbedder} must do. */
export function sentenceEmbedderContract(name: string, open: () => Promise<SentenceEmbedder>): void {
  describe(name, () => {
    test("gives one vector of length 1 and of the promised dimensions per text, in order", async () => {
      const embedder = await open();
      const texts = ["turn on the kitchen lights", "Hello!", "zzqx", "what is 12 times 8?"];
      const vectors = await embedder.embed(texts);
      expect(vectors.map((vector) => vector.length)).toEqual(texts.map(() => embedder.dimensions));
      for (const vector of vectors) expect(cosine(vector, vector)).toBeCloseTo(1, 5);
      const [alone] = await embedder.embed(["Hello!"]);
      expect(alone).toEqual(vectors[1]);
    });

    test("other work gets its turn after every 100 texts at the latest", async () => {
      const embedder = await open();
      using reads = new WorkPerRound();
      const texts = Array.from({ length: 300 }, (_, i) => `turn on light ${i}`);
      const watched = new Proxy(texts, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) reads.count();
          return Reflect.get(target, key);
        },
      });
      expect(await embedder.embed(watched)).toHaveLength(300);
      expect(reads.most).toBeLessThanOrEqual(100);
    });

    test("gives the zero vector for texts without words", async () => {
      const embedder = await open();
      for (const vector of await embedder.embed(["", "   ", "?!…"])) expect(cosine(vector, vector)).toBe(0);
    });

    test("ignores case and punctuation", async () => {
      const [a, b] = await (await open()).embed(["Turn on the LIGHTS!", "turn on the lights"]);
      expect(a).toEqual(b);
    });

    test("its own scale holds: a paraphrase is related, another topic is not", async () => {
      const embedder = await open();
      const [a, same, other] = await embedder.embed([
        "turn on the light in the kitchen",
        "kitchen light on please",
        "who won the football game yesterday",
      ]);
      expect(cosine(a, same)).toBeGreaterThan(embedder.scale.related);
      expect(cosine(a, other)).toBeLessThan(embedder.scale.related);
      expect(embedder.scale.rephrased).toBeGreaterThan(embedder.scale.related);
    });

    test("1 MB of text is embedded like its beginning", async () => {
      const embedder = await open();
      const [long, beginning] = await embedder.embed(["word ".repeat(200_000), "word ".repeat(400)]);
      expect(cosine(long, beginning)).toBeCloseTo(1, 5);
    });
  });
}
