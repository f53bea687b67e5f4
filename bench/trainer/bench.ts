import { availableParallelism } from "node:os";
import type { TrainerJob } from "../../src/adapt/ports.ts";
import { AppError } from "../../src/core/errors.ts";
import {
  type BenchContext,
  type Benchmark,
  type BenchResult,
  medianFigure,
  significant,
  skippedFigure,
  spreadOf,
} from "../report.ts";
import { promptRuns, type Sample, type StepSetting, trainerSteps } from "./measure.ts";
import { ensurePytorch, PytorchSteps } from "./pytorch.ts";
import { ensureModel, ensureTools, LLAMA_100M, QWEN_05B, type Shape } from "./shapes.ts";

/** Target tokens of a sequence, as in docs/trainer.md; a shorter sequence has half of its tokens. */
const TARGETS = 64;
const HEADLINE = { shape: LLAMA_100M, type: "q8_0", tokens: 256 };

interface RowSetting {
  readonly shape: Shape;
  readonly type: string;
  readonly tokens: number;
  readonly sequences?: number;
  readonly job?: Partial<TrainerJob>;
}

const ROWS: readonly RowSetting[] = [
  ...["f32", "q4_0", "q4_K"].map((type) => ({ ...HEADLINE, type })),
  ...[64, 128, 512].map((tokens) => ({ ...HEADLINE, tokens })),
  ...[1, 2, 3, 4].map((sequences) => ({ ...HEADLINE, tokens: 64, sequences })),
  { ...HEADLINE, job: { backward: "resident", activations: "keep" } },
  { ...HEADLINE, job: { backward: "resident", activations: "recompute" } },
  { ...HEADLINE, job: { backward: "fused", activations: "keep" } },
  { ...HEADLINE, job: { backward: "fused", activations: "recompute" } },
  { shape: QWEN_05B, type: "q8_0", tokens: 128 },
];

/** `bench trainer`: a LoRA step against llama.cpp's prompt processing and against PyTorch. */
export const bench: Benchmark = {
  summary: "LoRA step of asls-trainer against llama.cpp prompt processing and a PyTorch LoRA step",
  packages: ["node-llama-cpp"],
  options: {
    threads: {
      type: "string",
      default: `${Math.min(2, availableParallelism())}`,
      doc: "compute threads of both sides",
    },
    clock: { type: "string", default: "wall", doc: "wall, or cpu: processor time, for a machine that others use too" },
    rounds: { type: "string", doc: "interleaved rounds (default 7, quick 3)" },
    "no-pytorch": { type: "boolean", doc: "leave out the comparison with PyTorch" },
  },
  run,
};

async function run(context: BenchContext): Promise<BenchResult> {
  const { quick, options, log, signal } = context;
  const threads = wholeNumber(options.threads, "threads");
  const rounds = options.rounds === undefined ? (quick ? 3 : 7) : wholeNumber(options.rounds, "rounds");
  const timeOf = clockOf(options.clock);
  await ensureTools(log);
  const noPytorch = options["no-pytorch"] === true ? "left out by --no-pytorch" : await ensurePytorch(log);
  const headline = await headlineFigures(context, threads, rounds, timeOf, noPytorch);
  const rows = [...headline.rows];
  if (!quick) {
    for (const row of ROWS) {
      if (signal.aborted) break;
      rows.push(await measureRow(row, threads, Math.min(3, rounds), timeOf, context));
      log(`  ${JSON.stringify(rows.at(-1))}`);
    }
  }
  return {
    figures: headline.figures,
    rows,
    conditions: { threads, rounds, clock: `${options.clock}`, targets: TARGETS, rank: LLAMA_100M.rank, seed: 1 },
  };
}

type TimeOf = (sample: Sample) => number;

/** Trainer, llama.cpp and PyTorch in turns; every ratio is of one round's medians. */
async function headlineFigures(
  { log, signal }: BenchContext,
  threads: number,
  rounds: number,
  timeOf: TimeOf,
  noPytorch: string | null,
): Promise<{ figures: BenchResult["figures"]; rows: NonNullable<BenchResult["rows"]> }> {
  const { shape, type, tokens } = HEADLINE;
  const model = await ensureModel(shape, type, log);
  const setting: StepSetting = { shape, model, tokens, targets: TARGETS, sequences: 1, threads };
  await using torch = noPytorch === null ? await PytorchSteps.start(shape, tokens, TARGETS, signal) : null;
  const torchThreads = torch ? await bestThreads(torch, threads, timeOf) : 0;
  const ratios = { pp: [] as number[], torch: [] as number[] };
  const [steps, prompts, torchSteps]: [Sample[], Sample[], Sample[]] = [[], [], []];
  for (let round = 1; round <= rounds; round += 1) {
    const { samples, plan } = await trainerSteps(setting, 3, signal);
    const pp = await promptRuns(model, tokens, threads, 3, signal);
    steps.push(...samples);
    prompts.push(...pp);
    ratios.pp.push(middle(samples, timeOf) / middle(pp, timeOf));
    if (torch) {
      const sample = await torch.step(torchThreads);
      torchSteps.push(sample);
      ratios.torch.push(timeOf(sample) / middle(samples, timeOf));
    }
    if (round === 1)
      log(`plan: ${plan.backward}, ${plan.keepActivations ? "activations kept" : "recomputed"}, ${plan.kernels}`);
    log(
      `round ${round}: step ${significant(middle(samples, timeOf))} ms, prompt ${significant(middle(pp, timeOf))} ms`,
    );
  }
  const peak = Math.max(...steps.map(({ peakRssMb }) => peakRssMb));
  const promptPeak = Math.max(...prompts.map(({ peakRssMb }) => peakRssMb));
  const torchPeak = Math.max(...torchSteps.map(({ peakRssMb }) => peakRssMb));
  return {
    figures: {
      step_over_pp: medianFigure(ratios.pp, "x", "<= 3.0"),
      pytorch_speed: noPytorch === null ? medianFigure(ratios.torch, "x", ">= 3") : skippedFigure("x", noPytorch),
      pytorch_memory:
        noPytorch === null ? { value: peak / torchPeak, unit: "x", goal: "<= 0.25" } : skippedFigure("x", noPytorch),
      train_over_infer_memory: { value: peak / promptPeak, unit: "x", goal: "<= 1.5" },
      step_ms: medianFigure(steps.map(timeOf), "ms"),
      pp_ms: medianFigure(prompts.map(timeOf), "ms"),
      step_peak_mb: { value: peak, unit: "MiB" },
      pp_peak_mb: { value: promptPeak, unit: "MiB" },
    },
    rows: [
      rowOf({ shape, type, tokens }, "auto", middle(steps, timeOf), middle(prompts, timeOf), peak, promptPeak),
      ...(torch
        ? [
            rowOf(
              { shape, type: "f32", tokens },
              `PyTorch, ${torchThreads} threads`,
              middle(torchSteps, timeOf),
              null,
              torchPeak,
              null,
            ),
          ]
        : []),
    ],
  };
}

/** The thread count at which PyTorch is fastest here: it gets its best. */
async function bestThreads(torch: PytorchSteps, most: number, timeOf: TimeOf): Promise<number> {
  let best = { threads: 1, ms: Number.POSITIVE_INFINITY };
  for (let threads = 1; threads <= most; threads += 1) {
    await torch.step(threads); // the first step with a thread count starts its threads
    const ms = timeOf(await torch.step(threads));
    if (ms < best.ms) best = { threads, ms };
  }
  return best.threads;
}

async function measureRow(
  row: RowSetting,
  threads: number,
  rounds: number,
  timeOf: TimeOf,
  { log, signal }: BenchContext,
): Promise<NonNullable<BenchResult["rows"]>[number]> {
  const { shape, type, tokens, sequences = 1, job } = row;
  const model = await ensureModel(shape, type, log);
  const targets = Math.min(TARGETS, tokens / 2);
  const [steps, prompts]: [Sample[], Sample[]] = [[], []];
  let planText = "";
  for (let round = 0; round < rounds; round += 1) {
    const setting = { shape, model, tokens, targets, sequences, threads, ...(job ? { job } : {}) };
    const { samples, plan } = await trainerSteps(setting, 2, signal);
    planText = `${plan.backward}${plan.keepActivations ? ", kept" : ", recomputed"}`;
    steps.push(...samples);
    prompts.push(...(await promptRuns(model, tokens, threads, 2, signal)));
  }
  const peak = Math.max(...steps.map(({ peakRssMb }) => peakRssMb));
  const promptPeak = Math.max(...prompts.map(({ peakRssMb }) => peakRssMb));
  return rowOf(row, planText, middle(steps, timeOf), sequences * middle(prompts, timeOf), peak, promptPeak);
}

function rowOf(
  { shape, type, tokens, sequences = 1 }: RowSetting,
  plan: string,
  stepMs: number,
  promptMs: number | null,
  peakMb: number,
  promptPeakMb: number | null,
): NonNullable<BenchResult["rows"]>[number] {
  return {
    shape: shape.name,
    type,
    tokens,
    sequences,
    plan,
    step_ms: significant(stepMs),
    tokens_per_s: significant((1000 * tokens * sequences) / stepMs),
    pp_ms: promptMs === null ? null : significant(promptMs),
    step_over_pp: promptMs === null ? null : significant(stepMs / promptMs),
    peak_mb: significant(peakMb),
    train_over_infer_memory: promptPeakMb === null ? null : significant(peakMb / promptPeakMb),
  };
}

function middle(samples: readonly Sample[], timeOf: TimeOf): number {
  return spreadOf(samples.map(timeOf)).median;
}

function clockOf(value: unknown): TimeOf {
  if (value === "wall") return ({ wallMs }) => wallMs;
  if (value === "cpu") return ({ cpuMs }) => cpuMs;
  throw new AppError("E_USAGE", "--clock must be wall or cpu");
}

function wholeNumber(value: unknown, name: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new AppError("E_USAGE", `--${name} must be a whole number above 0`);
  return number;
}
