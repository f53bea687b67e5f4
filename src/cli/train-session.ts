import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type {
  EncodedText,
  Trainer,
  TrainerCheckpoint,
  TrainerEvent,
  TrainerExampleResult,
  TrainerJob,
  TrainerMetrics,
  TrainingTextEncoder,
} from "../adapt/ports.ts";
import { type TokenExample, writeTokenFile } from "../adapt/token-file.ts";
import { baseLossOf, lossOf } from "../adapt/trainer-messages.ts";
import { fileWriteError } from "../core/atomic-file.ts";
import { AppError } from "../core/errors.ts";
import type { TrainingLine } from "./training-lines.ts";

/** A stand-alone training: what `asls train` was asked for. Paths are absolute. */
export interface TrainRequest {
  readonly model: string;
  readonly out: string;
  /** Job options besides model, data, out and checkpoint; `optimiser.steps` is worked out here when absent. */
  readonly job: Partial<TrainerJob>;
  /** Passes over the training share, > 0; used when no steps are given. */
  readonly epochs: number;
  /** Share of the examples, the last ones of the file, that are measured and never trained on; [0, 0.9]. */
  readonly heldOut: number;
  readonly checkpointPath: string;
  /** Made for the token files and removed at the end; beside the adapter, so that a killed run leaves nothing unseen. */
  readonly workFolder: string;
  readonly checkpointEverySteps: number;
  /** Leave out examples beyond `optimiser.maxTokens` instead of refusing the file. */
  readonly skipLong: boolean;
}

/** Mean over target tokens, nats. */
export interface HeldOutLoss {
  readonly examples: number;
  readonly tokens: number;
  readonly base: number;
  readonly adapter: number;
}

export type TrainSessionOutcome =
  | {
      readonly kind: "done";
      readonly out: { readonly path: string; readonly sha256: string };
      readonly metrics: TrainerMetrics;
      readonly trainedExamples: number;
      readonly skippedLines: readonly number[];
      /** Null when nothing was held out. */
      readonly heldOut: HeldOutLoss | null;
    }
  | { readonly kind: "stopped"; readonly checkpoint: TrainerCheckpoint | null };

export interface TrainSessionParts {
  readonly trainer: Trainer;
  readonly encoder: TrainingTextEncoder;
  readonly signal: AbortSignal;
  onEvent(what: "train" | "evaluate", event: TrainerEvent): void;
}

const DEFAULT_MAX_TOKENS = 512;

/**
 * Tokenises, trains with checkpoints, and measures base against adapter on the held-out share. The token files are the
 * user's text in numbers: they live in a folder of mode 0700 that is removed at the end.
 *
 * @throws AppError E_DATA_INVALID (a line that is too long or has no target, too few examples), and what
 * {@link Trainer.run} rejects with.
 */
export async function runTrainSession(
  lines: readonly TrainingLine[],
  request: TrainRequest,
  { trainer, encoder, signal, onEvent }: TrainSessionParts,
): Promise<TrainSessionOutcome> {
  const { maxTokens = DEFAULT_MAX_TOKENS } = request.job.optimiser ?? {};
  const { examples, skippedLines } = encodeLines(
    lines,
    encoder,
    Math.min(maxTokens, encoder.trainedContextTokens),
    request.skipLong,
  );
  const heldOutCount = Math.round(examples.length * request.heldOut);
  const training = examples.slice(0, examples.length - heldOutCount);
  const heldOut = examples.slice(examples.length - heldOutCount);
  if (training.length === 0) throw new AppError("E_DATA_INVALID", "nothing is left to train on");
  const folder = request.workFolder;
  // Left over when an earlier run was killed.
  await rm(folder, { recursive: true, force: true });
  await makeWorkFolder(folder);
  try {
    const data = join(folder, "train.jsonl");
    await writeTokenFile(data, training);
    const job = trainJob(request, data, training.length, maxTokens);
    const trained = await trainer.run(job, { signal, onEvent: (event) => onEvent("train", event) }).ended;
    if (trained.kind === "stopped") return trained;
    if (!trained.file) throw new AppError("E_TRAINER_PROTOCOL", "the trainer reported no adapter");
    await rm(request.checkpointPath, { force: true });
    const heldOutLoss =
      heldOut.length === 0
        ? null
        : await measure(
            heldOut,
            join(folder, "held-out.jsonl"),
            { ...job, initAdapter: trained.file.path },
            {
              trainer,
              signal,
              onEvent: (event) => onEvent("evaluate", event),
            },
          );
    const { file: out, metrics } = trained;
    return { kind: "done", out, metrics, trainedExamples: training.length, skippedLines, heldOut: heldOutLoss };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeWorkFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    throw fileWriteError(error, folder);
  }
}

function trainJob(request: TrainRequest, data: string, examples: number, maxTokens: number): TrainerJob {
  const { optimiser = {}, ...job } = request.job;
  const perStep = (optimiser.sequencesPerStep ?? 1) * (optimiser.accumulate ?? 1);
  const steps = optimiser.steps ?? Math.max(1, Math.ceil((request.epochs * examples) / perStep));
  const warmupSteps = optimiser.warmupSteps ?? Math.min(20, Math.floor(steps / 20));
  return {
    ...job,
    mode: "train",
    model: request.model,
    data,
    out: request.out,
    checkpoint: { path: request.checkpointPath, everySteps: request.checkpointEverySteps },
    optimiser: { schedule: "cosine", ...optimiser, maxTokens, steps, warmupSteps },
  };
}

async function measure(
  examples: readonly TokenExample[],
  data: string,
  job: TrainerJob,
  { trainer, signal, onEvent }: { trainer: Trainer; signal: AbortSignal; onEvent(event: TrainerEvent): void },
): Promise<HeldOutLoss | null> {
  await writeTokenFile(data, examples);
  const { out: _, checkpoint: __, resume: ___, ...rest } = job;
  const outcome = await trainer.run({ ...rest, mode: "evaluate", data }, { signal, onEvent }).ended;
  return outcome.kind === "done" ? heldOutLossOf(outcome.results) : null;
}

/** Every target token counts the same, whatever the length of its example. */
export function heldOutLossOf(results: readonly TrainerExampleResult[]): HeldOutLoss {
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  const mean = (loss: (result: TrainerExampleResult) => number) =>
    results.reduce((sum, result) => sum + loss(result) * result.tokens, 0) / tokens;
  return {
    examples: results.length,
    tokens,
    base: mean(baseLossOf),
    adapter: mean(lossOf),
  };
}

function encodeLines(
  lines: readonly TrainingLine[],
  encoder: TrainingTextEncoder,
  maxTokens: number,
  skipLong: boolean,
): { examples: TokenExample[]; skippedLines: number[] } {
  const examples: TokenExample[] = [];
  const skippedLines: number[] = [];
  for (const { line, text } of lines) {
    const sequences = encodeLine(line, () => encoder.encode(text));
    const longest = Math.max(...sequences.map(({ tokens }) => tokens.length));
    if (longest <= maxTokens) {
      for (const [i, { tokens, targets }] of sequences.entries()) {
        examples.push({ id: `line-${line}.${i}`, kind: "ce", tokens, targets });
      }
    } else if (skipLong) {
      skippedLines.push(line);
    } else {
      throw new AppError("E_DATA_INVALID", `line ${line} has ${longest} tokens, more than ${maxTokens}`, {
        hint: "Raise --max-tokens, shorten the line, or leave such lines out with --skip-long.",
      });
    }
  }
  if (examples.length === 0) throw new AppError("E_DATA_INVALID", `every line has more than ${maxTokens} tokens`);
  return { examples, skippedLines };
}

function encodeLine(line: number, encode: () => readonly EncodedText[]): readonly EncodedText[] {
  try {
    return encode();
  } catch (error) {
    if (error instanceof AppError && error.code === "E_DATA_INVALID") {
      throw new AppError("E_DATA_INVALID", `line ${line}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
