import { expect, test } from "vitest";
import { encodeExamples } from "../../../src/adapt/example-encoding.ts";
import { buildExamples, plainPrompt } from "../../../src/adapt/examples.ts";
import type { TrainingTextEncoder } from "../../../src/adapt/ports.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { gardenTurns } from "../../support/gardener.ts";

test("other work gets its turn after every 8 examples at the latest", async () => {
  let rounds = 0;
  let isOver = false;
  const otherWork = () => {
    rounds += 1;
    if (!isOver) setImmediate(otherWork);
  };
  setImmediate(otherWork);
  const encodedPerRound = new Map<number, number>();
  const encoder: TrainingTextEncoder = {
    vocabularyTokens: 100,
    trainedContextTokens: 256,
    encode: () => {
      encodedPerRound.set(rounds, (encodedPerRound.get(rounds) ?? 0) + 1);
      return [{ tokens: [1, 2, 3], targets: [[1, 3]] }];
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const examples = buildExamples(gardenTurns(100), DEFAULT_TRAINING_SETTINGS.examples, plainPrompt);
  const { encoded, skipped } = await encodeExamples(examples, encoder, 256);
  isOver = true;
  expect(encoded.map(({ example }) => example.id)).toEqual(examples.map(({ id }) => id));
  expect(skipped).toEqual([]);
  expect(Math.max(...encodedPerRound.values())).toBeLessThanOrEqual(8);
});
