import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import { writeScaledAdapter } from "./adapter-scale.ts";
import type { EncodedExample } from "./example-encoding.ts";
import { nextRate, type RateState, startRate, surpriseOf } from "./learning-rate.ts";
import type { TrainerJob, TrainerMetrics } from "./ports.ts";
import { seedFor } from "./seeded-random.ts";
import { writeTokenFile } from "./token-file.ts";
import { meanLoss, measureBase, measureExamples, runStep, type TrainerStepParts } from "./trainer-steps.ts";
import type { TrainingSettings } from "./training-settings.ts";

/** One pass over the lines, as recorded with the adapter. */
export interface TrainingPass {
  readonly pass: number;
  readonly lr: number;
  readonly steps: number;
  readonly finalLoss: number | null;
  /** After the pass; null when there is nothing to validate on. */
  readonly validationLoss: number | null;
}

/** What passes so far have come to; enough, with the adapter files, to go on after a restart. */
export interface PassesDone {
  readonly surprise: number;
  readonly startLoss: number | null;
  readonly rate: RateState;
  readonly passes: readonly TrainingPass[];
}

export interface TrainingLines {
  /** Chosen examples and replay. */
  readonly lines: readonly EncodedExample[];
  readonly validation: readonly EncodedExample[];
  /** General text to hold the adapter back by; empty = full strength. */
  readonly watched: readonly EncodedExample[];
}

export interface PassOptions {
  readonly settings: TrainingSettings;
  readonly seed: number;
  /** Warm start; null = zero. */
  readonly initAdapter: string | null;
  /** Passes of an earlier process: its adapter files are in the folder again. */
  readonly resumed: PassesDone | null;
  /** After each pass, before the next one; what it keeps survives the process. */
  onPass(done: PassesDone, adapter: string): Promise<void>;
}

export interface TrainedPasses {
  /** Adapter of the pass with the best validation loss, at its chosen strength. */
  readonly adapter: string;
  readonly sha256: string;
  readonly done: PassesDone;
  readonly strength: number;
  /** Relative rise of the watched text's perplexity at that strength; null when none is watched. */
  readonly watchedRise: number | null;
}

/** Adapter that pass `pass` wrote. */
export function passAdapter(folder: string, pass: number): string {
  return join(folder, `pass-${pass}.gguf`);
}

/**
 * Trains pass by pass, one trainer run each: the rate changes between passes only, by what was measured, never by what
 * the clock says, so that the same lines, settings, seed and warm start give the same bytes. The optimiser's moments
 * begin anew with each pass. Ends early when validation has stopped improving; keeps the best pass.
 *
 * @throws AppError as Trainer.run; E_DATA_INVALID without lines; E_ABORTED when the signal fired.
 */
export async function trainInPasses(
  parts: TrainerStepParts,
  { lines, validation, watched }: TrainingLines,
  options: PassOptions,
): Promise<TrainedPasses> {
  const { settings, seed } = options;
  if (lines.length === 0) throw new AppError("E_DATA_INVALID", "there is nothing to train on");
  const data = join(parts.folder, "train.jsonl");
  await writeTokenFile(
    data,
    lines.flatMap(({ sequences }) => sequences),
  );
  const { maxTokens } = settings.optimiser;
  let done = options.resumed ?? (await firstState(parts, lines, validation, options));
  while (!done.rate.isFinished && done.passes.length < settings.maxPasses) {
    const pass = done.passes.length + 1;
    const out = passAdapter(parts.folder, pass);
    // From the best one: after a pass that went too far, a smaller step is tried from where it was good.
    const from = validation.length === 0 ? pass - 1 : done.rate.bestPass;
    const init = from === 0 ? options.initAdapter : passAdapter(parts.folder, from);
    const job = passJob(parts, settings, data, lines, done.rate.lr, seedFor(seed, `pass ${pass}`));
    const trained = await runStep(parts, { ...job, out, ...(init === null ? {} : { initAdapter: init }) });
    if (trained.file === null) throw new AppError("E_TRAINER_PROTOCOL", "the trainer reported no adapter");
    const validationLoss = meanLoss(await measureExamples(parts, `validation-${pass}`, validation, out, maxTokens));
    done = withPass(done, pass, trained.metrics, validationLoss, settings);
    await options.onPass(done, out);
  }
  const best = validation.length === 0 ? done.passes.length : Math.max(1, done.rate.bestPass);
  const held = await heldBack(parts, passAdapter(parts.folder, best), { validation, watched }, settings);
  return { ...held, sha256: await fileSha256(held.adapter), done };
}

/** Passes without a validation stretch: with too little to measure, more is a guess. */
const UNVALIDATED_PASSES = 1;

async function firstState(
  parts: TrainerStepParts,
  lines: readonly EncodedExample[],
  validation: readonly EncodedExample[],
  { settings, initAdapter }: PassOptions,
): Promise<PassesDone> {
  const { maxTokens } = settings.optimiser;
  const own = lines.filter(({ example }) => example.kind !== "replay");
  const before = await measureExamples(parts, "before", own, initAdapter, maxTokens);
  const surprise = surpriseOf(
    own.flatMap(({ example }) => {
      const result = before.get(example.id);
      const isFeedback = example.kind === "correction" || example.kind === "feedback";
      return result === undefined ? [] : [{ loss: result.loss, isFeedback }];
    }),
  );
  const startLoss = meanLoss(await measureExamples(parts, "validation-0", validation, initAdapter, maxTokens));
  return { surprise, startLoss, rate: startRate(surprise, startLoss ?? 0, settings.learningRate), passes: [] };
}

/**
 * The adapter at the strength that predicts the validation examples best, among those that leave general text alone; the
 * greatest of these without validation examples, the smallest of all when none does.
 */
async function heldBack(
  parts: TrainerStepParts,
  trained: string,
  { validation, watched }: Omit<TrainingLines, "lines">,
  { strengths, gate, optimiser }: TrainingSettings,
): Promise<Pick<TrainedPasses, "adapter" | "strength" | "watchedRise">> {
  let chosen = { adapter: trained, strength: 1, watchedRise: null as number | null };
  if (watched.length === 0) return chosen;
  const { maxTokens } = optimiser;
  const unadapted = meanLoss(await measureBase(parts, "watched", watched, maxTokens)) ?? 0;
  let bestLoss: number | null = null;
  for (const strength of strengths) {
    const adapter = strength === 1 ? trained : join(parts.folder, `strength-${strength}.gguf`);
    if (strength !== 1) await writeScaledAdapter(trained, adapter, strength);
    const adapted = meanLoss(await measureExamples(parts, "watched", watched, adapter, maxTokens)) ?? 0;
    const watchedRise = Math.expm1(adapted - unadapted);
    if (watchedRise > gate.generalCeiling) {
      if (bestLoss === null) chosen = { adapter, strength, watchedRise };
      continue;
    }
    const loss = meanLoss(await measureExamples(parts, "strength", validation, adapter, maxTokens));
    // Along the strength the loss has one valley.
    if (bestLoss !== null && (loss ?? 0) >= bestLoss) break;
    chosen = { adapter, strength, watchedRise };
    if (loss === null) break;
    bestLoss = loss;
  }
  return chosen;
}

function withPass(
  done: PassesDone,
  pass: number,
  metrics: TrainerMetrics,
  validationLoss: number | null,
  settings: TrainingSettings,
): PassesDone {
  const { steps, finalLoss } = metrics;
  const rate =
    validationLoss === null
      ? { ...done.rate, isFinished: pass >= UNVALIDATED_PASSES }
      : nextRate(done.rate, pass, validationLoss, settings.learningRate);
  return {
    ...done,
    rate,
    passes: [...done.passes, { pass, lr: done.rate.lr, steps, finalLoss, validationLoss }],
  };
}

function passJob(
  parts: TrainerStepParts,
  settings: TrainingSettings,
  data: string,
  lines: readonly EncodedExample[],
  lr: number,
  seed: number,
): TrainerJob {
  const { optimiser, lora, losses } = settings;
  const perStep = optimiser.sequencesPerStep * optimiser.accumulate;
  const sequences = lines.reduce((sum, line) => sum + line.sequences.length, 0);
  const steps = Math.max(1, Math.ceil(sequences / perStep));
  return {
    mode: "train",
    model: parts.model,
    data,
    threads: parts.threads,
    seed,
    // Restarting a child that died is the supervisor's business; it needs a checkpoint to go on from.
    checkpoint: { path: join(parts.folder, "pass.checkpoint"), everySteps: 20 },
    lora,
    optimiser: { ...optimiser, lr, steps, warmupSteps: Math.min(optimiser.warmupSteps, steps), schedule: "constant" },
    losses,
  };
}
