import { expect, test } from "vitest";
import { encodeExamples } from "../../../src/adapt/example-encoding.ts";
import { buildExamples, plainPrompt } from "../../../src/adapt/examples.ts";
import type { TrainingTextEncoder } from "../../../src/adapt/ports.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { gardenTurns } from "../../support/gardener.ts";
import { WorkPerRound } from "../../support/work-per-round.ts";

test("other work gets its turn after every 8 examples at the latest", async () => {
  using encodings = new WorkPerRound();
  const encoder: TrainingTextEncoder = {
    vocabularyTokens: 100,
    trainedContextTokens: 256,
    encode: () => {
      encodings.count();
      return [{ tokens: [1, 2, 3], targets: [[1, 3]] }];
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const examples = await buildExamples(gardenTurns(100), DEFAULT_TRAINING_SETTINGS.examples, plainPrompt);
  const { encoded, skipped } = await encodeExamples(examples, encoder, 256);
  expect(encoded.map(({ example }) => example.id)).toEqual(examples.map(({ id }) => id));
  expect(skipped).toEqual([]);
  expect(encodings.most).toBeLessThanOrEqual(8);
});
