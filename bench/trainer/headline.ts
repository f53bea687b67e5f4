import type { TrainerJob } from "../../src/adapt/ports.ts";
import {
  type BenchContext,
  type BenchResult,
  type Figure,
  medianFigure,
  significant,
  skippedFigure,
} from "../report.ts";
import { promptRuns, type Sample, type StepSetting, trainerSteps } from "./measure.ts";
import { PytorchSteps } from "./pytorch.ts";
import { middle, peakOf, planText, rowOf, type TimeOf } from "./rows.ts";
import { ensureModel, LLAMA_100M } from "./shapes.ts";

/** Target tokens of a sequence, as in docs/trainer.md; a shorter sequence has half of its tokens. */
export const TARGETS = 64;
export const HEADLINE = { shape: LLAMA_100M, type: "q8_0", tokens: 256 };

/**
 * The trainer's choice within one and a half times what inference takes (MiB; 1 % below it, since what is resident at the peak differs from
 * the plan by some 0.5 MiB), so that one plan is held against every goal; its choice with all memory it wants; and its smallest plan. Their
 * figures end in the key.
 */
const PLANS: Readonly<Record<string, (inferenceMb: number) => Partial<TrainerJob>>> = {
  "": (inferenceMb) => ({ memoryBudgetMb: Math.floor(1.485 * inferenceMb) }),
  _unbounded: () => ({}),
  _small: () => ({ activations: "recompute" }),
};

export interface HeadlineSetting {
  readonly threads: number;
  readonly rounds: number;
  readonly timeOf: TimeOf;
  /** Why PyTorch is left out, or null. */
  readonly noPytorch: string | null;
}

interface PlanSamples {
  readonly suffix: string;
  readonly job: (inferenceMb: number) => Partial<TrainerJob>;
  readonly steps: Sample[];
  readonly overPrompt: number[];
  readonly torchOverStep: number[];
  text: string;
}

/** Trainer, llama.cpp and PyTorch in turns; every ratio is of one round's medians. */
export async function measureHeadline(
  { log, signal }: BenchContext,
  { threads, rounds, timeOf, noPytorch }: HeadlineSetting,
): Promise<{ figures: BenchResult["figures"]; rows: NonNullable<BenchResult["rows"]> }> {
  const { shape, type, tokens } = HEADLINE;
  const model = await ensureModel(shape, type, log);
  await using torch = noPytorch === null ? await PytorchSteps.start(shape, tokens, TARGETS, signal) : null;
  const torchThreads = torch ? await bestThreads(torch, threads, timeOf) : 0;
  const plans = Object.entries(PLANS).map(
    ([suffix, job]): PlanSamples => ({ suffix, job, steps: [], overPrompt: [], torchOverStep: [], text: "" }),
  );
  const [prompts, torchSteps]: [Sample[], Sample[]] = [[], []];
  for (let round = 1; round <= rounds; round += 1) {
    const pp = await promptRuns(model, tokens, threads, 3, signal);
    prompts.push(...pp);
    const torchStep = torch ? await torch.step(torchThreads) : null;
    if (torchStep) torchSteps.push(torchStep);
    for (const plan of plans) {
      const setting: StepSetting = {
        shape,
        model,
        tokens,
        targets: TARGETS,
        sequences: 1,
        threads,
        job: plan.job(peakOf(pp)),
      };
      const run = await trainerSteps(setting, 3, signal);
      plan.text = `${planText(run.plan)}, ${run.plan.kernels}`;
      plan.steps.push(...run.samples);
      plan.overPrompt.push(middle(run.samples, timeOf) / middle(pp, timeOf));
      if (torchStep) plan.torchOverStep.push(timeOf(torchStep) / middle(run.samples, timeOf));
    }
    const stepsText = plans.map(({ text, steps }) => `${text}: ${significant(middle(steps.slice(-3), timeOf))} ms`);
    log(`round ${round}: prompt ${significant(middle(pp, timeOf))} ms; step ${stepsText.join("; ")}`);
  }
  const promptPeak = peakOf(prompts);
  const torchPeak = torch ? peakOf(torchSteps) : 0;
  const planFigures = (plan: PlanSamples): [string, Figure][] => {
    const peak = peakOf(plan.steps);
    const figures: Record<string, Figure> = {
      step_over_pp: medianFigure(plan.overPrompt, "x", "<= 3.0"),
      pytorch_speed: noPytorch === null ? medianFigure(plan.torchOverStep, "x", ">= 3") : skippedFigure("x", noPytorch),
      pytorch_memory:
        noPytorch === null ? { value: peak / torchPeak, unit: "x", goal: "<= 0.25" } : skippedFigure("x", noPytorch),
      train_over_infer_memory: { value: peak / promptPeak, unit: "x", goal: "<= 1.5" },
      step_ms: medianFigure(plan.steps.map(timeOf), "ms"),
      step_peak_mb: { value: peak, unit: "MiB" },
    };
    return Object.entries(figures).map(([name, figure]) => [`${name}${plan.suffix}`, figure]);
  };
  const own = { shape, type, tokens };
  return {
    figures: {
      ...Object.fromEntries(plans.flatMap(planFigures)),
      pp_ms: medianFigure(prompts.map(timeOf), "ms"),
      pp_peak_mb: { value: promptPeak, unit: "MiB" },
    },
    rows: [
      ...plans.map(({ text, steps }) =>
        rowOf(own, text, middle(steps, timeOf), middle(prompts, timeOf), peakOf(steps), promptPeak),
      ),
      ...(torch
        ? [
            rowOf(
              { ...own, type: "f32" },
              `PyTorch, set_num_threads(${torchThreads})`,
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
