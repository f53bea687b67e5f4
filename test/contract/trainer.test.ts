import { existsSync } from "node:fs";
import { describe, it } from "vitest";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import type { TrainerCommand } from "../../src/adapt/trainer-child.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
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

if (existsSync(executable)) {
  trainerContract("asls-trainer", { makeTrainer: trainerOf({ file: executable }), model, vocabularySize: 4096 });
} else {
  describe.skip(`trainer contract: asls-trainer (${executable} is not built: sh deploy/build-trainer.sh)`, () => {
    it("is the same as the fixture child's");
  });
}
