import { describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { WORD_VECTOR_FILE } from "../../../src/profile/open-embedder.ts";
import { relateTurns, relationOf } from "../../../src/profile/turn-relation.ts";
import { WordVectorEmbedder } from "../../../src/profile/word-vector-embedder.ts";

const scale = { related: 0.4, rephrased: 0.6 };

test("without exchanged words the similarity decides: 0.39 unrelated, 0.5 follow-up, 0.6 rephrase", () => {
  const relation = (similarity: number) => relationOf("lights on", "could you light it", similarity, scale);
  expect([0.39, 0.5, 0.6].map(relation)).toEqual(["unrelated", "follow_up", "rephrase"]);
});

describe("with the shipped embedder", async () => {
  const embedder = await WordVectorEmbedder.load(`${packageRoot}models/${WORD_VECTOR_FILE}`);

  test.each([
    ["turn on the kitchen lights", "turn on the kitchen lights", "rephrase"],
    ["turn on the kitten lights", "turn on the kitchen lights", "rephrase"],
    ["turn on the light in the kitchen", "switch the kitchen light on please", "rephrase"],
    ["what's the weather", "what is the weather like tomorrow", "rephrase"],
    ["turn on the lights", "turn on the lights in the kitchen", "rephrase"],
    ["turn on the kitchen lights", "turn on the bedroom lights", "follow_up"],
    ["turn on the kitchen lights", "turn off the kitchen lights", "follow_up"],
    ["set a timer for ten minutes", "set a timer for five minutes", "follow_up"],
    ["play some jazz", "what is the capital of australia", "unrelated"],
    ["turn on the kitchen lights", "tell me a joke", "unrelated"],
    ["", "tell me a joke", "unrelated"],
  ])("%j then %j: %s", async (previous, current, expected) => {
    expect(await relateTurns(embedder, previous, current)).toBe(expected);
  });
});
