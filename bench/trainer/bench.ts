import { availableParallelism } from "node:os";
import type { TrainerJob } from "../../src/adapt/ports.ts";
import { AppError } from "../../src/core/errors.ts";
import type { BenchContext, Benchmark, BenchResult } from "../report.ts";
import { HEADLINE, measureHeadline, TARGETS } from "./headline.ts";
import { promptRuns, type Sample, trainerSteps } from "./measure.ts";
import { ensurePytorch } from "./pytorch.ts";
import { middle, peakOf, planText, type RowShape, rowOf, type TimeOf } from "./rows.ts";
import { ensureModel, ensureTools, LLAMA_100M, QWEN_05B } from "./shapes.ts";

interface RowSetting extends RowShape {
  readonly job?: Partial<TrainerJob>;
}

const ROWS: readonly RowSetting[] = [
  ...["f32", "q4_0", "q4_K"].map((type) => ({ ...HEADLINE, type })),
  ...[64, 128, 512].map((tokens) => ({ ...HEADLINE, tokens })),
  ...[2, 3, 4].map((sequences) => ({ ...HEADLINE, tokens: 64, sequences })),
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
  const headline = await measureHeadline(context, { threads, rounds, timeOf, noPytorch });
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
  let text = "";
  for (let round = 0; round < rounds; round += 1) {
    const setting = { shape, model, tokens, targets, sequences, threads, ...(job ? { job } : {}) };
    const { samples, plan } = await trainerSteps(setting, 2, signal);
    text = planText(plan);
    steps.push(...samples);
    prompts.push(...(await promptRuns(model, tokens, threads, 2, signal)));
  }
  const promptMs = sequences * middle(prompts, timeOf);
  return rowOf(row, text, middle(steps, timeOf), promptMs, peakOf(steps), peakOf(prompts));
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
