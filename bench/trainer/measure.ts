import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import type { TrainerJob, TrainerPlan } from "../../src/adapt/ports.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { ensureTokens, type Shape, tool } from "./shapes.ts";

const run = promisify(execFile);

/** One measured run of anything. */
export interface Sample {
  readonly wallMs: number;
  /** Processor time of all threads. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

/** What decides the speed of a step. */
export interface StepSetting {
  readonly shape: Shape;
  readonly model: string;
  /** Tokens of a sequence, and how many of them (at its end) are targets. */
  readonly tokens: number;
  readonly targets: number;
  readonly sequences: number;
  readonly threads: number;
  readonly job?: Partial<TrainerJob>;
}

/**
 * Steps of the real trainer under its real supervisor.
 * @param count steps measured; one more is done before and left out (page faults, first touch of the mapped file).
 */
export async function trainerSteps(
  setting: StepSetting,
  count: number,
  signal: AbortSignal,
): Promise<{ samples: Sample[]; plan: TrainerPlan }> {
  const { shape, model, tokens, targets, sequences, threads } = setting;
  const trainer = new TrainerProcess({
    command: { file: tool("asls-trainer") },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
    restartDelaysMs: [],
  });
  const samples: Sample[] = [];
  let plan: TrainerPlan | undefined;
  const training = trainer.run(
    {
      mode: "train",
      model,
      data: await ensureTokens(shape, sequences, tokens, targets),
      out: `${model}.adapter`,
      threads,
      backend: "cpu",
      lora: { rank: shape.rank, alpha: 2 * shape.rank },
      ...setting.job,
      optimiser: {
        steps: count + 1,
        sequencesPerStep: sequences,
        maxTokens: tokens,
        lr: 0.0002,
        ...setting.job?.optimiser,
      },
    },
    {
      signal,
      onEvent: (event) => {
        if (event.kind === "plan") plan = event.plan;
        if (event.kind !== "progress" || event.progress.step === 1) return;
        const { stepMs, cpuMs, peakRssMb } = event.progress;
        samples.push({ wallMs: stepMs, cpuMs, peakRssMb });
      },
    },
  );
  await training.ended;
  if (!plan || samples.length === 0) throw new AppError("E_ABORTED", "the measurement was interrupted");
  return { samples, plan };
}

/** Prompt processing of that many tokens by llama.cpp with its defaults (what llama-bench -p measures). */
export async function promptRuns(
  model: string,
  tokens: number,
  threads: number,
  runs: number,
  signal: AbortSignal,
): Promise<Sample[]> {
  const { stdout } = await run(
    tool("asls-reference"),
    ["pp", "--model", model, "--tokens", `${tokens}`, "--threads", `${threads}`, "--runs", `${runs}`],
    { signal },
  );
  const answer = JSON.parse(stdout) as { wall_ms: number[]; cpu_ms: number[]; peak_rss_mb: number };
  return answer.wall_ms.map((wallMs, i) => ({ wallMs, cpuMs: answer.cpu_ms[i] ?? 0, peakRssMb: answer.peak_rss_mb }));
}
