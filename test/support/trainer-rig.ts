import { existsSync } from "node:fs";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import { readGeneralText } from "../../src/adapt/general-text.ts";
import { readProbeSet } from "../../src/adapt/monitor/probe-set.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { LlamaTrainingTextEncoder } from "../../src/runtime/llm/training-text-encoder.ts";

export const SEED_MODEL = `${packageRoot}models/seed-q8_0.gguf`;
const TRAINER = `${packageRoot}build/trainer/asls-trainer`;

/** Null, or the name of what this machine lacks to train. */
export const lacksTrainer: string | null = existsSync(TRAINER) ? null : "asls-trainer is not built";

export const generalText = () => readGeneralText(`${packageRoot}models/general.txt`);

export const probeSet = () => readProbeSet(`${packageRoot}models/probes.json`);

/** The real trainer on this machine, one at a time. */
export function realTrainer(): TrainerProcess {
  return new TrainerProcess({
    command: { file: TRAINER },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
  });
}

export const seedEncoder = () => LlamaTrainingTextEncoder.open(SEED_MODEL, silentLogger);
