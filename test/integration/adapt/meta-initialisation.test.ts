import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  DEFAULT_META_SETTINGS,
  learnMetaInitialisation,
  type MetaProgress,
} from "../../../src/adapt/meta-initialisation.ts";
import { type Person, peopleTasks } from "../../../src/adapt/people-corpus.ts";
import type { TrainingTextEncoder } from "../../../src/adapt/ports.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { lacksTrainer, realTrainer, SEED_MODEL, seedEncoder } from "../../support/trainer-rig.ts";

const PEOPLE: readonly Person[] = ["tea", "coffee", "cocoa"].map((drink) => ({
  id: drink,
  dialogues: [
    [`Would you like some ${drink}?`, `Yes, ${drink} is what I always drink.`, `Then I will make ${drink} for us.`],
    [`Is there any ${drink} left?`, `No, we drank all the ${drink} this morning.`],
  ],
}));
const SETTINGS = {
  ...DEFAULT_META_SETTINGS,
  lora: { rank: 4, alpha: 8 },
  sequencesPerStep: 2,
  jointSteps: 6,
  rounds: 4,
  tasksPerRound: 2,
  innerSteps: 4,
};

describeWhen(lacksTrainer, "learning a warm start", () => {
  let encoder: TrainingTextEncoder;

  beforeAll(async () => {
    encoder = await seedEncoder();
  });

  afterAll(async () => {
    await encoder?.[Symbol.asyncDispose]();
  });

  async function learn(seed: number): Promise<{ readonly bytes: Buffer; readonly progress: readonly MetaProgress[] }> {
    await using folder = await makeTempDir("meta");
    const progress: MetaProgress[] = [];
    const out = join(folder.path, "out.gguf");
    await learnMetaInitialisation(
      {
        trainer: realTrainer(),
        model: SEED_MODEL,
        folder: folder.path,
        threads: 1,
        signal: new AbortController().signal,
        onEvent: () => {},
        onProgress: (each) => progress.push(each),
      },
      peopleTasks(PEOPLE, encoder, 64, 10),
      { ...SETTINGS, seed },
      null,
      out,
    );
    return { bytes: await readFile(out), progress };
  }

  test("3 people: every round adapts further than it began, and the same seed gives the same bytes", async () => {
    const [first, again, other] = [await learn(1), await learn(1), await learn(2)];
    const rounds = first.progress.flatMap((each) => (each.phase === "reptile" ? [each] : []));
    expect(rounds).toHaveLength(SETTINGS.rounds);
    expect(rounds.every(({ loss, adapted }) => adapted < loss)).toBe(true);
    expect(again.bytes.equals(first.bytes)).toBe(true);
    expect(other.bytes.equals(first.bytes)).toBe(false);
  });

  test("nobody to learn from is E_DATA_INVALID", async () => {
    await using folder = await makeTempDir("meta");
    const parts = { trainer: realTrainer(), model: SEED_MODEL, folder: folder.path, threads: 1 };
    const rest = { signal: new AbortController().signal, onEvent: () => {}, onProgress: () => {} };
    await expect(
      learnMetaInitialisation({ ...parts, ...rest }, [], SETTINGS, null, join(folder.path, "out.gguf")),
    ).rejects.toMatchObject({ code: "E_DATA_INVALID" });
  });
});
