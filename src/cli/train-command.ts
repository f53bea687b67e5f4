import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { SignalFreezer } from "../adapt/freezer.ts";
import type { LoraTarget, TrainerBackend, TrainerEvent, TrainerJob } from "../adapt/ports.ts";
import { protocolTable } from "../adapt/protocol-table.ts";
import { trainerExecutable } from "../adapt/trainer-executable.ts";
import { TrainerProcess } from "../adapt/trainer-process.ts";
import { SystemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { silentLogger } from "../core/logger.ts";
import { interruptSignal, print } from "./context.ts";
import { TrainProgressLine } from "./train-progress.ts";
import {
  trainCancelCommand,
  trainNowCommand,
  trainPauseCommand,
  trainResumeCommand,
  trainStatusCommand,
  trainWatchCommand,
} from "./train-service-commands.ts";
import { runTrainSession, type TrainRequest, type TrainSessionOutcome } from "./train-session.ts";
import { readTrainingLines } from "./training-lines.ts";

type TrainFlags = Omit<TrainOptions, "data" | "model" | "out"> & Partial<TrainOptions>;

interface TrainOptions {
  readonly data: string;
  readonly model: string;
  readonly out: string;
  readonly epochs: number;
  readonly steps?: number;
  readonly heldOut: number;
  readonly rank?: number;
  readonly alpha?: number;
  readonly targets?: readonly LoraTarget[];
  readonly dropout?: number;
  readonly rslora?: true;
  readonly lr?: number;
  readonly lrBRatio?: number;
  readonly klWeight?: number;
  readonly sequences?: number;
  readonly accumulate?: number;
  readonly maxTokens?: number;
  readonly skipLong?: true;
  readonly seed?: number;
  readonly backend?: TrainerBackend;
  readonly threads: number;
  readonly memoryMb?: number;
  readonly initAdapter?: string;
  readonly checkpoint?: string;
  readonly checkpointEvery: number;
  readonly resume?: true;
  readonly trainer?: string;
  readonly json?: true;
}

const EXAMPLES = `
Data is JSON lines, one example a line, in any of three forms:
  {"prompt": "Is the garage open?", "completion": "It is closed."}
  {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}
  {"text": "..."}
Answers and completions are learned, prompts are not; of a text all of it is.

Examples:
  asls train --data my.jsonl --model models/seed-q8_0.gguf --out my.gguf
  asls train --data my.jsonl --model qwen.gguf --out my.gguf --rank 8 --epochs 2 --threads 3 --memory-mb 900
  asls train --data my.jsonl --model qwen.gguf --out my.gguf --resume        # after Ctrl-C or a power cut
  asls train ... --json | jq .held_out`;

/**
 * `asls train`: fine-tunes a LoRA adapter for a GGUF file from a file of texts, without the service; its sub-commands
 * look after the training that the service does by itself.
 */
export function trainCommand(): Command {
  const train = fileTrainingCommand();
  for (const make of [
    trainNowCommand,
    trainStatusCommand,
    trainWatchCommand,
    trainPauseCommand,
    trainResumeCommand,
    trainCancelCommand,
  ]) {
    train.addCommand(make());
  }
  return train;
}

function fileTrainingCommand(): Command {
  return new Command("train")
    .description("train a LoRA adapter from a file, or look after the training that the service does by itself")
    .option("--data <file>", "examples, JSON lines (see below); needed without a sub-command")
    .option("--model <file>", "base model: llama, qwen2 or qwen3 GGUF, any quantisation; needed with --data")
    .option("--out <file>", "adapter to write (GGUF, for node-llama-cpp and llama.cpp); needed with --data")
    .option("--epochs <n>", "passes over the training examples", positive, 3)
    .option("--steps <n>", "optimiser steps instead of --epochs", count)
    .option("--held-out <share>", "share at the end of the file to measure on instead of training", share, 0.1)
    .option("--rank <n>", `rank of the adapter${defaultOf("lora", "rank")}`, count)
    .option("--alpha <x>", `scale numerator: effective scale is alpha / rank${defaultOf("lora", "alpha")}`, positive)
    .option("--targets <list>", "comma-separated: q,k,v,o,gate,up,down (default all)", targetList)
    .option("--dropout <p>", `dropout of the adapter's inputs${defaultOf("lora", "dropout")}`, share)
    .option("--rslora", "scale by alpha / sqrt(rank)")
    .option("--lr <rate>", `peak learning rate; cosine schedule${defaultOf("optimiser", "lr")}`, positive)
    .option("--lr-b-ratio <x>", `LoRA+: rate of B over rate of A${defaultOf("optimiser", "lr_b_ratio")}`, positive)
    .option("--kl-weight <x>", "weight of staying close to the base (KL); 0 = none", notNegative)
    .option("--sequences <n>", `examples per pass${defaultOf("optimiser", "sequences_per_step")}`, count)
    .option("--accumulate <n>", `passes per step${defaultOf("optimiser", "accumulate")}`, count)
    .option("--max-tokens <n>", `longest example${defaultOf("optimiser", "max_tokens")}`, count)
    .option("--skip-long", "leave out examples that are longer")
    .option("--seed <n>", `start of the adapter, order, dropout${defaultOf("job", "seed")}`, count)
    .addOption(new Option("--backend <name>", "where to compute").choices(["auto", "cpu", "cuda", "vulkan"]))
    .option("--threads <n>", "compute threads", count, Math.max(1, availableParallelism() - 1))
    .option("--memory-mb <n>", "refuse to use more memory than this, MiB", count)
    .option("--init-adapter <file>", "adapter to go on from")
    .option("--checkpoint <file>", "where to keep the state (default: OUT.checkpoint)")
    .option("--checkpoint-every <steps>", "steps between checkpoints", count, 50)
    .option("--resume", "go on from the checkpoint, with the same data and options")
    .option("--trainer <file>", "asls-trainer executable (default: the one of this installation)")
    .option("--json", "one line of JSON with the result on stdout; progress on stderr")
    .addHelpText("after", EXAMPLES)
    .action(train);
}

async function train(given: TrainFlags): Promise<void> {
  const options = withFiles(given);
  const signal = interruptSignal();
  try {
    const request = requestOf(options);
    const outcome = await trainAndShow(options, request, signal);
    print(options.json, outcomeJson(outcome, request), () => outcomeText(outcome, request));
    if (outcome.kind === "stopped") process.exitCode = 130;
  } catch (error) {
    // Ctrl-C also reaches the helper processes of node-llama-cpp while it loads; what they then report is no failure.
    if (signal.aborted) throw new AppError("E_ABORTED", "interrupted before training began", { cause: error });
    throw error;
  }
}

/** @throws AppError E_USAGE. */
function withFiles({ data, model, out, ...rest }: TrainFlags): TrainOptions {
  if (data !== undefined && model !== undefined && out !== undefined) return { ...rest, data, model, out };
  throw new AppError("E_USAGE", "`asls train` needs --data, --model and --out, or now, status, watch or cancel");
}

async function trainAndShow(
  options: TrainOptions,
  request: TrainRequest,
  signal: AbortSignal,
): Promise<TrainSessionOutcome> {
  const lines = await readTrainingLines(resolve(options.data));
  const trainer = new TrainerProcess({
    command: { file: trainerExecutable(options.trainer === undefined ? null : resolve(options.trainer)) },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
  });
  // Loaded on use: the other commands start without it.
  const { LlamaTrainingTextEncoder } = await import("../runtime/llm/training-text-encoder.ts");
  await using encoder = await LlamaTrainingTextEncoder.open(request.model, silentLogger);
  if (options.resume !== true) await rm(request.checkpointPath, { force: true });
  const progress = new TrainProgressLine((text) => process.stderr.write(text), process.stderr.isTTY === true);
  // Awaited here: the encoder must live until the session ends.
  return await runTrainSession(lines, request, {
    trainer,
    encoder,
    signal,
    onEvent: (what, event) => showEvent(progress, what, event),
  }).finally(() => progress.end());
}

function requestOf(options: TrainOptions): TrainRequest {
  const model = resolve(options.model);
  const out = resolve(options.out);
  const checkpointPath = resolve(options.checkpoint ?? `${options.out}.checkpoint`);
  const { rank, alpha, targets, dropout, rslora, lr, lrBRatio, steps, accumulate, maxTokens, klWeight } = options;
  const job: Partial<TrainerJob> = {
    threads: options.threads,
    ...given({ seed: options.seed, backend: options.backend, memoryBudgetMb: options.memoryMb }),
    ...given({ initAdapter: options.initAdapter === undefined ? undefined : resolve(options.initAdapter) }),
    ...given({ resume: options.resume === true ? checkpointPath : undefined }),
    lora: given({ rank, alpha, targets, dropout, rslora }),
    optimiser: given({ lr, lrBRatio, steps, accumulate, maxTokens, sequencesPerStep: options.sequences }),
    losses: given({ klWeight }),
  };
  return {
    model,
    out,
    job,
    epochs: options.epochs,
    heldOut: options.heldOut,
    checkpointPath,
    workFolder: `${out}.work`,
    checkpointEverySteps: options.checkpointEvery,
    skipLong: options.skipLong === true,
  };
}

function showEvent(progress: TrainProgressLine, what: string, event: TrainerEvent): void {
  if (event.kind === "progress") progress.show(what, event.progress);
  if (event.kind === "restarted") {
    progress.note(`the trainer failed (${event.code}); attempt ${event.attempt} goes on from step ${event.fromStep}`);
  }
  if (event.kind === "plan" && what === "train") {
    const { plan } = event;
    progress.note(
      `${plan.architecture} on ${plan.backend} (${plan.device}), ${plan.trainableParameters} trainable parameters, ` +
        `${plan.examples} examples, ${plan.steps - plan.firstStep} steps, about ${Math.round(plan.memoryMb.total)} MB: ${plan.reason}`,
    );
  }
}

/** Wire form: snake_case, as all JSON of ours. */
function outcomeJson(outcome: TrainSessionOutcome, request: TrainRequest): Record<string, unknown> {
  if (outcome.kind === "stopped") {
    return { kind: outcome.kind, checkpoint: outcome.checkpoint?.path ?? null, step: outcome.checkpoint?.step ?? 0 };
  }
  const { metrics, heldOut } = outcome;
  return {
    kind: outcome.kind,
    out: outcome.out.path,
    sha256: outcome.out.sha256,
    model: request.model,
    examples: outcome.trainedExamples,
    skipped_lines: outcome.skippedLines,
    steps: metrics.steps,
    first_loss: metrics.firstLoss,
    final_loss: metrics.finalLoss,
    tokens_per_s: metrics.tokensPerS,
    seconds: metrics.seconds,
    peak_rss_mb: metrics.peakRssMb,
    held_out: heldOut && {
      examples: heldOut.examples,
      tokens: heldOut.tokens,
      base_loss: heldOut.base,
      adapter_loss: heldOut.adapter,
    },
  };
}

function outcomeText(outcome: TrainSessionOutcome, request: TrainRequest): string {
  if (outcome.kind === "stopped") {
    return outcome.checkpoint === null
      ? "Stopped before the first step; nothing was written."
      : `Stopped after step ${outcome.checkpoint.step}. Go on with the same command and --resume (state: ${outcome.checkpoint.path}).`;
  }
  const { metrics, heldOut } = outcome;
  const skipped =
    outcome.skippedLines.length === 0 ? [] : [`left out ${outcome.skippedLines.length} lines that are too long`];
  const measured =
    heldOut === null
      ? "nothing was held out to measure on"
      : `held out: ${heldOut.examples} examples, ${heldOut.tokens} tokens, loss ${heldOut.base.toFixed(4)} -> ${heldOut.adapter.toFixed(4)} ` +
        `(perplexity ${Math.exp(heldOut.base).toFixed(2)} -> ${Math.exp(heldOut.adapter).toFixed(2)})`;
  return [
    `trained on ${outcome.trainedExamples} examples, ${metrics.steps} steps, ${Math.round(metrics.tokensPerS)} tok/s, ` +
      `${metrics.seconds.toFixed(1)} s, peak ${Math.round(metrics.peakRssMb)} MB`,
    ...skipped,
    measured,
    `adapter: ${request.out} (sha256 ${outcome.out.sha256})`,
  ].join("\n");
}

/** The entries that have a value: the trainer's own defaults hold for the rest. */
function given<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function defaultOf(object: string, field: string): string {
  return ` (default ${protocolTable.objects[object]?.fields[field]?.default})`;
}

function number(text: string, isValid: (value: number) => boolean, what: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!isValid(value)) throw new InvalidArgumentError(`It must be ${what}.`);
  return value;
}

const count = (text: string) =>
  number(text, (value) => Number.isSafeInteger(value) && value > 0, "a whole number above 0");
const positive = (text: string) => number(text, (value) => value > 0 && Number.isFinite(value), "a number above 0");
const notNegative = (text: string) => number(text, (value) => value >= 0 && Number.isFinite(value), "0 or more");
const share = (text: string) => number(text, (value) => value >= 0 && value <= 0.9, "between 0 and 0.9");

function targetList(text: string): readonly LoraTarget[] {
  const allowed = protocolTable.objects.lora?.fields.targets?.enum ?? [];
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => !allowed.includes(name))) {
    throw new InvalidArgumentError(`It must be a comma-separated list of ${allowed.join(", ")}.`);
  }
  return names as LoraTarget[];
}
