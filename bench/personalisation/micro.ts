import type { TrainingSettings } from "../../src/adapt/training-settings.ts";
import { trainerSteps } from "../trainer/measure.ts";
import { ensureModel, ensureTools, LLAMA_100M } from "../trainer/shapes.ts";

/** A corrected exchange in tokens: question, answer and template, as in models/general.txt for a 32,000-token vocabulary. */
const TOKENS = 32;
const TARGETS = 16;
/** The correction and the answer it corrects. */
const OWN_LINES = 2;

/** Wall time of one micro-update on the 100M shape, seconds: start of the trainer, steps, adapter on disk. */
export async function microUpdateSeconds(
  { micro }: TrainingSettings,
  threads: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  await ensureTools(log);
  const model = await ensureModel(LLAMA_100M, "q8_0", log);
  const sequences = OWN_LINES + micro.replayLines;
  const setting = { shape: LLAMA_100M, model, tokens: TOKENS, targets: TARGETS, sequences, threads };
  const began = performance.now();
  await trainerSteps({ ...setting, job: { losses: { klWeight: micro.klWeight } } }, micro.steps - 1, signal);
  return (performance.now() - began) / 1_000;
}
