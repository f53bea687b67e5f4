import { afterAll, beforeAll, expect, test } from "vitest";
import { plainPrompt } from "../../../src/adapt/examples.ts";
import { decideGate } from "../../../src/adapt/gate.ts";
import type { TrainingTextEncoder } from "../../../src/adapt/ports.ts";
import { measureExamples, pairedLosses, type TrainerStepParts } from "../../../src/adapt/trainer-steps.ts";
import { chooseTrainingLines, prepareTrainingData } from "../../../src/adapt/training-data.ts";
import { trainInPasses } from "../../../src/adapt/training-run.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { HashedNgramEmbedder } from "../../../src/profile/hashed-ngram-embedder.ts";
import type { Interaction } from "../../../src/profile/ports.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { gardenTurns } from "../../support/gardener.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { generalText, lacksTrainer, realTrainer, SEED_MODEL, seedEncoder } from "../../support/trainer-rig.ts";

const settings = DEFAULT_TRAINING_SETTINGS;

describeWhen(lacksTrainer, "training in passes", () => {
  let encoder: TrainingTextEncoder;

  beforeAll(async () => {
    encoder = await seedEncoder();
  });

  afterAll(async () => {
    await encoder?.[Symbol.asyncDispose]();
  });

  async function train(interactions: readonly Interaction[], seed: number) {
    await using folder = await makeTempDir("passes");
    const parts: TrainerStepParts = {
      trainer: realTrainer(),
      model: SEED_MODEL,
      folder: folder.path,
      threads: 1,
      signal: new AbortController().signal,
      onEvent: () => {},
    };
    const dataParts = { encoder, general: await generalText(), compose: plainPrompt };
    const data = await prepareTrainingData(interactions, settings, dataParts);
    const embedder = new HashedNgramEmbedder();
    const lines = await chooseTrainingLines(data.candidates, new Map(), settings, seed, { ...dataParts, embedder });
    const trained = await trainInPasses(
      parts,
      { lines, validation: data.validation, watched: data.watched },
      { settings, seed, initAdapter: null, resumed: null, onPass: async () => {} },
    );
    const { maxTokens } = settings.optimiser;
    const after = await measureExamples(parts, "held-out", data.heldOut, trained.adapter, maxTokens);
    const before = await measureExamples(parts, "held-out-base", data.heldOut, null, maxTokens);
    const general = await measureExamples(parts, "general", data.general, trained.adapter, maxTokens);
    const generalBase = await measureExamples(parts, "general-base", data.general, null, maxTokens);
    const gate = decideGate(pairedLosses(before, after), pairedLosses(generalBase, general), settings.gate, seed);
    return { ...trained, gate };
  }

  test("30 interactions: the held-out loss falls clearly, general text stays, the gate lets it through", async () => {
    const { gate, done, watchedRise } = await train(gardenTurns(30), 1);
    expect(gate.heldOut.high).toBeLessThan(0);
    expect(gate).toMatchObject({ promoted: true, reasons: [] });
    expect(watchedRise).toBeLessThanOrEqual(settings.gate.generalCeiling);
    expect(done.passes.length).toBeGreaterThan(0);
  });

  test("the same seed gives the same bytes, another seed others", async () => {
    const turns = gardenTurns(12);
    const [one, again, other] = [await train(turns, 1), await train(turns, 1), await train(turns, 2)];
    expect(again.sha256).toBe(one.sha256);
    expect(other.sha256).not.toBe(one.sha256);
  });
});
