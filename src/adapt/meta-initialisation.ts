import { rename } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { movedTowards, readAdapterWeights, writeAdapterWeights } from "./adapter-weights.ts";
import type { LoraOptions, TrainerJob } from "./ports.ts";
import { seededRandom, seedFor, shuffled } from "./seeded-random.ts";
import { type TokenExample, writeTokenFile } from "./token-file.ts";
import { runStep, type TrainerStepParts } from "./trainer-steps.ts";

/** One person's words (or one consenting profile's), in tokens. */
export interface MetaTask {
  readonly id: string;
  readonly examples: readonly TokenExample[];
}

/** How a warm start is learned. */
export interface MetaSettings {
  readonly lora: LoraOptions;
  readonly maxTokens: number;
  readonly sequencesPerStep: number;
  /** First all tasks together, this many steps at this peak rate (cosine); 0 = begin from zero. */
  readonly jointSteps: number;
  readonly jointLr: number;
  /** Then rounds of Reptile: every round adapts to so many tasks, for so many steps each. */
  readonly rounds: number;
  readonly tasksPerRound: number;
  readonly innerSteps: number;
  readonly innerLr: number;
  /** Share of the way to the tasks' mean in the first round; falls linearly to zero. */
  readonly outerRate: number;
  readonly seed: number;
}

/** Defaults as the shipped warm start was made: docs/personalisation.md. */
export const DEFAULT_META_SETTINGS: MetaSettings = {
  lora: { rank: 16, alpha: 32 },
  maxTokens: 128,
  sequencesPerStep: 4,
  jointSteps: 900,
  jointLr: 3e-3,
  rounds: 200,
  tasksPerRound: 4,
  innerSteps: 16,
  innerLr: 2.5e-3,
  outerRate: 0.5,
  seed: 1,
};

/** Where it has come to. */
export type MetaProgress =
  | { readonly phase: "joint"; readonly step: number; readonly steps: number; readonly loss: number | null }
  /** `loss`: mean of the tasks' first steps, before they adapt; `adapted`: of their last ones. */
  | {
      readonly phase: "reptile";
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly adapted: number;
    };

/**
 * Learns an adapter from which a new person's adapter is reached in few steps: all tasks together, then Reptile over them.
 * The same tasks and settings give the same bytes.
 *
 * @param parts.folder working files; the caller makes and removes it.
 * @param initAdapter begin from this adapter, of the shape in `settings.lora`, instead of zero.
 * @param out replaced atomically at the end.
 * @throws AppError E_DATA_INVALID without a task that has examples; E_ABORTED; and what the trainer reports.
 * @see Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, arXiv 1803.02999
 */
export async function learnMetaInitialisation(
  parts: TrainerStepParts & { onProgress(progress: MetaProgress): void },
  tasks: readonly MetaTask[],
  settings: MetaSettings,
  initAdapter: string | null,
  out: string,
): Promise<void> {
  const usable = tasks.filter(({ examples }) => examples.length > 0);
  if (usable.length === 0) throw new AppError("E_DATA_INVALID", "there is nobody to learn from");
  let current = initAdapter;
  if (settings.jointSteps > 0 || current === null) current = await trainJointly(parts, usable, settings, current);
  let weights = await readAdapterWeights(current);
  for (let round = 0; round < settings.rounds; round += 1) {
    const drawn = shuffled(usable, seededRandom(seedFor(settings.seed, `round ${round}`))).slice(
      0,
      settings.tasksPerRound,
    );
    const adapted = [];
    let [before, after] = [0, 0];
    for (const task of drawn) {
      const { path, first, last } = await adaptTo(parts, task, settings, current, round);
      adapted.push(await readAdapterWeights(path));
      before += first / drawn.length;
      after += last / drawn.length;
    }
    weights = movedTowards(weights, adapted, settings.outerRate * (1 - round / settings.rounds));
    current = join(parts.folder, `meta-${round % 2}.gguf`);
    await writeAdapterWeights(current, weights);
    parts.onProgress({ phase: "reptile", step: round + 1, steps: settings.rounds, loss: before, adapted: after });
  }
  const finished = join(parts.folder, "meta.gguf");
  await writeAdapterWeights(finished, weights);
  await moveFile(finished, out, weights);
}

async function trainJointly(
  parts: TrainerStepParts & { onProgress(progress: MetaProgress): void },
  tasks: readonly MetaTask[],
  settings: MetaSettings,
  initAdapter: string | null,
): Promise<string> {
  const { sequencesPerStep, seed } = settings;
  const steps = Math.max(1, settings.jointSteps);
  // Equal parts of everybody first, so that those who wrote most do not decide the start.
  const pools = tasks.map(({ id, examples }) => shuffled(examples, seededRandom(seedFor(seed, `joint ${id}`))));
  const longest = Math.max(...pools.map(({ length }) => length));
  const inTurn = Array.from({ length: longest }, (_, i) => pools.flatMap((pool) => pool[i] ?? [])).flat();
  const data = join(parts.folder, "joint.jsonl");
  await writeTokenFile(data, inTurn.slice(0, steps * sequencesPerStep).map(numbered));
  const out = join(parts.folder, "joint.gguf");
  const onEvent: TrainerStepParts["onEvent"] = (event) => {
    if (event.kind === "progress") {
      const { step, loss } = event.progress;
      parts.onProgress({ phase: "joint", step, steps, loss });
    }
    parts.onEvent(event);
  };
  await runStep(
    { ...parts, onEvent },
    {
      ...jobOf(parts, settings, data, initAdapter),
      out,
      seed,
      optimiser: {
        ...optimiserOf(settings),
        steps,
        lr: settings.jointLr,
        schedule: "cosine",
        warmupSteps: Math.min(20, Math.floor(steps / 4)),
      },
    },
  );
  return out;
}

async function adaptTo(
  parts: TrainerStepParts,
  task: MetaTask,
  settings: MetaSettings,
  init: string,
  round: number,
): Promise<{ readonly path: string; readonly first: number; readonly last: number }> {
  const { innerSteps, sequencesPerStep, seed, innerLr } = settings;
  const random = seededRandom(seedFor(seed, `task ${task.id} ${round}`));
  const examples = shuffled(task.examples, random).slice(0, innerSteps * sequencesPerStep);
  const data = join(parts.folder, "task.jsonl");
  await writeTokenFile(data, examples.map(numbered));
  const path = join(parts.folder, "task.gguf");
  const { metrics } = await runStep(parts, {
    ...jobOf(parts, settings, data, init),
    out: path,
    seed: seedFor(seed, `inner ${task.id} ${round}`),
    optimiser: {
      ...optimiserOf(settings),
      sequencesPerStep: Math.min(sequencesPerStep, examples.length),
      steps: innerSteps,
      lr: innerLr,
      warmupSteps: 2,
    },
  });
  return { path, first: metrics.firstLoss ?? Number.NaN, last: metrics.finalLoss ?? Number.NaN };
}

function jobOf(parts: TrainerStepParts, { lora }: MetaSettings, data: string, init: string | null): TrainerJob {
  return {
    mode: "train",
    model: parts.model,
    data,
    threads: parts.threads,
    lora,
    ...(init === null ? {} : { initAdapter: init }),
  };
}

function optimiserOf({ maxTokens, sequencesPerStep }: MetaSettings) {
  return { maxTokens, sequencesPerStep, clipNorm: 1 };
}

function numbered(example: TokenExample, i: number): TokenExample {
  return { ...example, id: `m${i}` };
}

/** The working folder may be on another file system. */
async function moveFile(from: string, to: string, weights: Parameters<typeof writeAdapterWeights>[1]): Promise<void> {
  try {
    await rename(from, to);
  } catch {
    await writeAdapterWeights(to, weights);
  }
}
