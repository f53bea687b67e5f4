import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import type { TrainerCommand } from "../../src/adapt/trainer-child.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { trainerContract } from "./trainer.ts";

const model = `${packageRoot}models/seed-q8_0.gguf`;
const executable = `${packageRoot}build/trainer/asls-trainer`;

const trainerOf = (command: TrainerCommand) => () =>
  new TrainerProcess({
    command,
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
    restartDelaysMs: [1, 1, 1],
  });

trainerContract("fixture child", {
  makeTrainer: trainerOf({ file: process.execPath, args: [`${packageRoot}test/fixtures/trainer/child.mjs`, "ok"] }),
  model,
  vocabularySize: 4096,
});

describe.skipIf(!existsSync(executable))("asls-trainer (skipped when build/trainer is not built)", () => {
  it("measures no adapter whose predictions are not numbers: E_LOSS_NAN instead of a loss of 0", async () => {
    await using folder = await makeTempDir("trainer");
    const data = folder.join("data.jsonl");
    const out = folder.join("out.gguf");
    await writeTokenFile(data, [{ id: "e1", kind: "ce", tokens: [74, 75, 514, 3, 8, 9], targets: [[2, 6]] }]);
    const makeTrainer = trainerOf({ file: executable });
    await makeTrainer().run({ mode: "train", model, data, out, optimiser: { steps: 1 } }).ended;
    const bytes = await readFile(out);
    // The last tensor: finite weights whose products overflow, so that infinities meet.
    for (let at = bytes.length - 4_096; at < bytes.length; at += 4) bytes.writeFloatLE(at % 8 === 0 ? 3e38 : -3e38, at);
    await writeFile(out, bytes);

    const { ended } = makeTrainer().run({ mode: "evaluate", model, data, initAdapter: out });

    await expect(ended).rejects.toMatchObject({ code: "E_LOSS_NAN" });
  });
});

if (existsSync(executable)) {
  trainerContract("asls-trainer", { makeTrainer: trainerOf({ file: executable }), model, vocabularySize: 4096 });
} else {
  describe.skip(`trainer contract: asls-trainer (${executable} is not built: sh deploy/build-trainer.sh)`, () => {
    it("is the same as the fixture child's");
  });
}
