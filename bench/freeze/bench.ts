import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import type { Trainer, TrainerEvent, TrainerJob, TrainerRun } from "../../src/adapt/ports.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { silentLogger } from "../../src/core/logger.ts";
import {
  type BenchContext,
  type Benchmark,
  type BenchResult,
  type Figure,
  medianFigure,
  quantile,
  skippedFigure,
  spreadOf,
} from "../report.ts";
import { ensureModel, ensureTokens, ensureTools, LLAMA_100M, tool } from "../trainer/shapes.ts";
import { assistantDay } from "./assistant-day.ts";

/** `bench freeze`: how fast the trainer gives the processor back, and what survives stops and kills. */
export const bench: Benchmark = {
  summary:
    "order to no CPU used by the trainer (p99), checkpoints after stops and kills, and what a job costs a turn and the disk",
  packages: ["node-llama-cpp", "sqlite3"],
  options: {
    threads: {
      type: "string",
      default: `${Math.min(2, availableParallelism())}`,
      doc: "compute threads of the trainer",
    },
    orders: { type: "string", default: "200", doc: "freezes, and pauses between two layers" },
    kills: { type: "string", doc: "kills at random instants (default 100, quick 10)" },
  },
  run,
};

const SEED_SHAPE = { ...LLAMA_100M, vocab: 2048 };

async function run(context: BenchContext): Promise<BenchResult> {
  const { quick, options, log } = context;
  await ensureTools(log);
  const threads = Number(options.threads);
  const orders = Number(options.orders);
  const kills = Number(options.kills ?? (quick ? 10 : 100));
  const folder = await mkdtemp(join(tmpdir(), "asls-bench-freeze-"));
  try {
    const frozen = await freezeOrders(context, folder, threads, orders);
    log(`${orders} freezes done`);
    const identical = await resumedBytesAreTheSame(context, folder);
    const survived = await killAtRandom(context, folder, kills);
    const day = await dayFigures(context);
    return {
      figures: {
        freeze_p99_ms: {
          value: quantile(frozen.freezeMs, 0.99),
          unit: "ms",
          goal: "<= 50",
          spread: spreadOf(frozen.freezeMs),
        },
        pause_p99_ms: { value: quantile(frozen.pauseMs, 0.99), unit: "ms", spread: spreadOf(frozen.pauseMs) },
        cpu_after_order_p99_ms: {
          value: quantile(frozen.usedMs, 0.99),
          unit: "ms of processor time",
          spread: spreadOf(frozen.usedMs),
        },
        cpu_while_frozen_ms: { value: Math.max(...frozen.leakedMs), unit: "ms", goal: "0" },
        resume_identical: { value: identical ? 1 : 0, unit: "(1 = the same bytes)", goal: "1" },
        kills_survived: { value: survived.loadable / kills, unit: "of all kills", goal: "1" },
        stray_files: { value: survived.strayFiles, unit: "files", goal: "0" },
        ...day,
      },
      conditions: { threads, orders, kills, freeze_model: "llama 100m q8_0, 256 tokens", kill_model: "seed-q8_0" },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The whole service: takes minutes. */
async function dayFigures(context: BenchContext): Promise<Record<"ttft_ratio" | "written_day_mb", Figure>> {
  if (context.quick) {
    const reason = "takes minutes: not with --quick";
    return { ttft_ratio: skippedFigure("of idle", reason), written_day_mb: skippedFigure("MB", reason) };
  }
  const { ratios, writtenBytes } = await assistantDay(context, 15);
  return {
    ttft_ratio: medianFigure(ratios, "of idle, pairs of turns", "<= 1.1"),
    written_day_mb: { value: writtenBytes / 1e6, unit: "MB", goal: "< 50" },
  };
}

function makeTrainer(): Trainer {
  return new TrainerProcess({
    command: { file: tool("asls-trainer") },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
    restartDelaysMs: [], // a kill is the end here, not a restart
  });
}

/** Starts a job and waits for its first progress. */
async function startedRun(
  job: TrainerJob,
  signal: AbortSignal,
  isReady: (event: TrainerEvent) => boolean,
): Promise<TrainerRun> {
  let ready = () => {};
  const isUp = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const training = makeTrainer().run(job, {
    signal,
    onEvent: (event) => {
      if (isReady(event)) ready();
    },
  });
  await Promise.race([isUp, training.ended.then(() => {})]);
  if (signal.aborted) throw new AppError("E_ABORTED", "the benchmark was interrupted");
  return training;
}

/** Time from the order until the kernel shows every thread stopped, and the processor time used while it stays so. */
async function freezeOrders({ signal, log }: BenchContext, folder: string, threads: number, orders: number) {
  const job: TrainerJob = {
    mode: "train",
    model: await ensureModel(LLAMA_100M, "q8_0", log),
    data: await ensureTokens(LLAMA_100M, 1, 256, 64),
    out: join(folder, "frozen.gguf"),
    backend: "cpu",
    threads,
    optimiser: { steps: 1_000_000 },
  };
  const training = await startedRun(job, signal, (event) => event.kind === "progress");
  const { pid } = training;
  if (pid === null) throw new AppError("E_TRAINER_CRASHED", "the trainer ended before the first order");
  const [freezeMs, usedMs, leakedMs, pauseMs]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let order = 0; order < orders && !signal.aborted; order += 1) {
    await setTimeout(5 + Math.random() * 20); // anywhere in a step
    const atOrderMs = processorMs(pid);
    const orderedMs = performance.now();
    await training.freeze();
    freezeMs.push(performance.now() - orderedMs);
    const atStopMs = processorMs(pid);
    usedMs.push(atStopMs - atOrderMs);
    await setTimeout(10);
    leakedMs.push(processorMs(pid) - atStopMs);
    await training.thaw();
  }
  for (let order = 0; order < orders / 4 && !signal.aborted; order += 1) {
    await setTimeout(5 + Math.random() * 20);
    const orderedMs = performance.now();
    await training.pause();
    pauseMs.push(performance.now() - orderedMs);
    training.resume();
  }
  await training.stop();
  return { freezeMs, usedMs, leakedMs, pauseMs };
}

/** Processor time of all threads so far; exact once they stand still. @see Linux Documentation/scheduler/sched-stats.rst */
function processorMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
}

async function seedJob(folder: string, name: string, more: Partial<TrainerJob>): Promise<TrainerJob> {
  return {
    mode: "train",
    model: `${packageRoot}models/seed-q8_0.gguf`,
    data: await ensureTokens(SEED_SHAPE, 4, 64, 32),
    out: join(folder, `${name}.gguf`),
    backend: "cpu",
    threads: 1,
    ...more,
  };
}

async function resumedBytesAreTheSame({ signal, log }: BenchContext, folder: string): Promise<boolean> {
  const checkpoint = { path: join(folder, "resume.checkpoint"), everySteps: 0 };
  const job = await seedJob(folder, "resumed", { checkpoint, optimiser: { steps: 60 } });
  const whole = join(folder, "whole.gguf");
  await makeTrainer().run({ ...job, out: whole }, { signal }).ended;
  const interrupted = await startedRun(job, signal, (event) => event.kind === "progress" && event.progress.step >= 5);
  const outcome = await interrupted.stop();
  if (outcome.kind === "stopped") await makeTrainer().run({ ...job, resume: checkpoint.path }, { signal }).ended;
  else log("the job was over before it could be stopped: nothing was resumed");
  return outcome.kind === "stopped" && (await readFile(whole)).equals(await readFile(join(folder, "resumed.gguf")));
}

/** Kills a trainer that checkpoints at every step, and resumes from what it left. */
async function killAtRandom({ signal, log }: BenchContext, folder: string, kills: number) {
  const killFolder = await mkdtemp(join(folder, "kills-"));
  const path = join(killFolder, "checkpoint");
  const base = await seedJob(killFolder, "killed", {
    checkpoint: { path, everySteps: 1 },
    optimiser: { steps: 1_000_000 },
  });
  let loadable = 0;
  for (let kill = 0; kill < kills && !signal.aborted; kill += 1) {
    const job = existsSync(path) ? { ...base, resume: path } : base;
    const training = await startedRun(job, signal, ({ kind }) => kind === "checkpoint");
    await setTimeout(Math.random() * 50);
    if (training.pid !== null) process.kill(training.pid, "SIGKILL");
    await training.ended.catch((error: unknown) => {
      if (!isAppError(error, "E_TRAINER_CRASHED")) throw error;
    });
    const resumed = await startedRun({ ...base, resume: path }, signal, ({ kind }) => kind === "progress");
    const outcome = await resumed.stop().catch(() => null);
    if (outcome?.kind === "stopped") loadable += 1;
    if ((kill + 1) % 25 === 0) log(`${kill + 1} kills, ${loadable} checkpoints loadable`);
  }
  const strayFiles = (await readdir(killFolder)).filter((name) => name !== "checkpoint").length;
  return { loadable, strayFiles };
}
