import { expect, test } from "vitest";
import { plainPrompt } from "../../../src/adapt/examples.ts";
import { generalTextOf } from "../../../src/adapt/general-text.ts";
import type { TrainingTextEncoder } from "../../../src/adapt/ports.ts";
import { prepareTrainingData, shortlist } from "../../../src/adapt/training-data.ts";
import { DEFAULT_TRAINING_SETTINGS, type TrainingSettings } from "../../../src/adapt/training-settings.ts";
import { HashedNgramEmbedder } from "../../../src/profile/hashed-ngram-embedder.ts";
import { gardenTurns } from "../../support/gardener.ts";

/** Any text is ten tokens, of which the last five are learned. */
const TEN_TOKENS: TrainingTextEncoder = {
  vocabularyTokens: 10,
  trainedContextTokens: 256,
  encode: () => [{ tokens: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], targets: [[5, 10]] }],
  [Symbol.asyncDispose]: async () => {},
};

const { selection } = DEFAULT_TRAINING_SETTINGS;
const within = (tokenBudget: number): TrainingSettings => ({
  ...DEFAULT_TRAINING_SETTINGS,
  selection: { ...selection, tokenBudget },
});

const prepare = (turns: number, settings: TrainingSettings) =>
  prepareTrainingData(gardenTurns(turns), settings, {
    encoder: TEN_TOKENS,
    general: generalTextOf([]),
    compose: plainPrompt,
  });

const tokensOf = (examples: readonly { readonly tokens: number }[]) =>
  examples.reduce((sum, { tokens }) => sum + tokens, 0);

test("of 1,000 turns the newest of each stretch are measured, within a quarter and a half of a pass's tokens", async () => {
  const { validation, heldOut, candidates, interactionIds } = await prepare(1_000, within(1_000));
  expect(tokensOf(validation)).toBe(250);
  expect(tokensOf(heldOut)).toBe(500);
  expect(validation.at(-1)?.example.order).toBe(799);
  expect(validation.map(({ example }) => example.order)).toEqual(
    validation.map(({ example }) => example.order).toSorted((a, b) => a - b),
  );
  expect(heldOut.at(-1)?.example.order).toBe(999);
  expect(interactionIds.heldOut).toHaveLength(200);
  expect(Math.max(...candidates.map(({ example }) => example.order))).toBe(679);
});

test("entropy is measured of two passes' tokens at most, and of nothing when all fit or it does not count", async () => {
  const embedder = new HashedNgramEmbedder();
  const { candidates } = await prepare(1_000, within(1_000));
  expect(tokensOf(candidates)).toBeGreaterThan(10_000);
  expect(tokensOf(await shortlist(candidates, within(1_000), embedder))).toBe(2_000);
  expect(await shortlist(candidates, within(15_000), embedder)).toEqual(candidates);
  expect(await shortlist(candidates, within(100_000), embedder)).toEqual([]);
  const settings = { ...within(1_000), selection: { ...within(1_000).selection, method: "fifo" as const } };
  expect(await shortlist(candidates, settings, embedder)).toEqual([]);
});

test("what is within the tokens of a pass is measured whole", async () => {
  const { validation, heldOut } = await prepare(100, within(60_000));
  expect(new Set(validation.map(({ example }) => example.order)).size).toBe(12);
  expect(new Set(heldOut.map(({ example }) => example.order)).size).toBe(20);
});
