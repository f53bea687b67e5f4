import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { meanLoss, measureBesideBase } from "../../src/adapt/trainer-steps.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";
import type { BenchContext, Benchmark, BenchResult } from "../report.ts";
import type { ArmResult, TrainedArm } from "./arm-result.ts";
import { ARMS, type Arm, SWAPPED, TRIGRAM, trainingName, WARM_START_ONLY } from "./arms.ts";
import { correctionsKey, measureCorrections } from "./corrections.ts";
import { measureDomains } from "./domains.ts";
import { measureMicroUpdates } from "./micro.ts";
import { CEILING_KEY, MICRO_KEY, resultsOf, writePage } from "./results.ts";
import type { Rig } from "./rig.ts";
import { openRig } from "./setup.ts";
import { BenchState, cellKey } from "./state.ts";
import {
  FEEDBACK_KINDS,
  measureStyle,
  readStyles,
  type StyleGroup,
  type StyleResult,
  type StyleSettings,
} from "./style.ts";
import { styleCeiling } from "./style-ceiling.ts";
import { TrigramMixture, WordTrigram } from "./word-ngram.ts";
import { WriterRun } from "./writer-run.ts";
import { countWords, readWriters, splitWriter, type Writer, type WriterSplit } from "./writers.ts";

const DATA = "../shared/data";
/** What `--write` leaves of every writer, arm and seed. */
const FIGURES = "docs/personalisation.jsonl";
/** Tuned on splits of the groups by seeds from 101 on; measured with seeds from 1 on. */
const STYLE: StyleSettings = {
  lr: 1e-3,
  steps: 20,
  sequencesPerStep: 15,
  ktoBeta: 1,
  ktoDesirableWeight: 2,
  acceptedWeight: 0,
  klWeight: 0,
};
/** Measured besides the arms. */
const [STYLE_ARM, MICRO_ARM, DOMAIN_ARM, CORRECTION_ARM] = ["style", "micro", "domains", "corrections"];
/** Splits of the groups; a classifier takes no time. */
const CEILING_SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const QUICK = { writers: 2, arms: ["base", "retrieval", "adapt_prompt"], controls: [TRIGRAM] };

/** `bench personalisation`: does it learn a person's words, against what else could be done and against placebos. */
export const bench: Benchmark = {
  summary: "perplexity of real writers' later words with adapters trained on their earlier ones, arms and controls",
  packages: ["node-llama-cpp"],
  options: {
    users: {
      type: "string",
      default: `${DATA}/personal/self-dialogue-dev-users.jsonl.gz`,
      doc: "dialogues of the writers",
    },
    others: { type: "string", default: `${DATA}/corpus/self-dialogue.jsonl.gz`, doc: "dialogues of other people" },
    styles: {
      type: "string",
      default: `${DATA}/personal/personality-chat.jsonl.gz`,
      doc: "questions answered in styles",
    },
    model: { type: "string", default: "models/seed-q8_0.gguf", doc: "base, GGUF" },
    arms: { type: "string", doc: "comma-separated names (default all); `base` is always measured" },
    trainer: { type: "string", doc: "asls-trainer executable (default: the one of this installation)" },
    writers: { type: "string", doc: "only so many of the writers, those with the fewest dialogues (default all)" },
    seeds: { type: "string", default: "3", doc: "how many seeds, from 1 on" },
    "from-seed": {
      type: "string",
      default: "1",
      doc: "measure these seeds only from that one on: processes side by side may share the work, then one reports",
    },
    figures: {
      type: "string",
      doc: `go on from what another run, of another machine too, has written (${FIGURES}): it is not measured again`,
    },
    write: { type: "boolean", doc: "put the table, the plot and all figures behind them into docs/" },
    "report-only": { type: "boolean", doc: "measure nothing; report what earlier runs have kept" },
    fresh: { type: "boolean", doc: "do not go on from what earlier runs have kept" },
  },
  run,
};

async function run(context: BenchContext): Promise<BenchResult> {
  const { quick, options, log, signal } = context;
  const [model, users] = [resolve(`${options.model}`), resolve(`${options.users}`)];
  const others = await readWriters(resolve(`${options.others}`));
  const all = (await readWriters(users))
    .map(splitWriter)
    .filter(({ test, validation }) => test.length * validation.length > 0);
  // Those with little first: an early stop leaves as many writers as can be.
  const most = options.writers === undefined ? all.length : wholeNumber("writers", options.writers);
  const writers = smallest(all, quick ? QUICK.writers : most);
  const seeds = Array.from({ length: quick ? 1 : wholeNumber("seeds", options.seeds) }, (_, i) => i + 1);
  const firstSeed = wholeNumber("from-seed", options["from-seed"]);
  if (firstSeed > seeds.length) {
    throw new AppError("E_USAGE", `--from-seed ${firstSeed} is beyond the last of ${seeds.length} seeds`);
  }
  const wanted = quick ? [...QUICK.arms, ...QUICK.controls] : wantedNames(options.arms);
  await using opened = await openRig(
    model,
    users,
    others,
    signal,
    options.trainer === undefined ? null : resolve(`${options.trainer}`),
  );
  // A quick run keeps nothing: adapters of people are personal.
  const folder = quick
    ? join(opened.rig.parts.folder, "quick")
    : join(packageRoot, "build", "bench", "personalisation", opened.digest);
  const state = await BenchState.open(
    join(folder, options.fresh === true ? `state-${Date.now()}.jsonl` : "state.jsonl"),
  );
  const { rig } = opened;
  if (options.figures !== undefined) await state.takeOver(resolve(`${options.figures}`), opened.digest);
  if (options["report-only"] !== true) {
    const measuredSeeds = seeds.filter((seed) => quick || seed >= firstSeed);
    const work = { rig, state, writers, seeds: measuredSeeds, folder, log, signal };
    const isWanted = (name: string) => wanted.includes(name);
    if (isWanted(TRIGRAM)) await measureTrigram(work, others);
    await measureArms(
      work,
      ARMS.filter(({ name }) => isWanted(name)),
      isWanted,
    );
    if (isWanted(STYLE_ARM)) await measureStyles(work, await readStyles(resolve(`${options.styles}`)));
    for (const split of isWanted(CORRECTION_ARM) ? writers : []) {
      signal.throwIfAborted();
      const key = correctionsKey(rig, split.writer);
      const { learned, given } = await state.once(key, () => measureCorrections(rig, split));
      log(`corrections writer ${split.writer}: ${learned} of ${given} learned`);
    }
    if (isWanted(MICRO_ARM)) {
      await state.once(MICRO_KEY, () => measureMicroUpdates(rig, 2, log, signal));
    }
  }
  const results = resultsOf(state, writers, seeds, rig);
  if (options.write === true) {
    await writePage(results, state, writers, seeds, { quick });
    if (!quick) await state.publish(join(packageRoot, FIGURES), opened.digest);
  }
  return results;
}

interface Work {
  readonly rig: Rig;
  readonly state: BenchState;
  readonly writers: readonly WriterSplit[];
  readonly seeds: readonly number[];
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Seed by seed and writer by writer, so that an early stop leaves whole writers, and every arm with the seeds before. */
async function measureArms(work: Work, arms: readonly Arm[], isWanted: (name: string) => boolean): Promise<void> {
  const { rig, state, writers, seeds, log } = work;
  const runs = new Map(writers.map((writer) => [writer.writer, new WriterRun(rig, writer)]));
  for (const seed of seeds) {
    for (const { writer } of writers) {
      const run = required(runs.get(writer));
      for (const arm of arms) {
        if (!arm.adapts && seed > 1) continue; // nothing random in it
        work.signal.throwIfAborted();
        const result = await state.once(cellKey(arm.name, seed, writer), async () => {
          const path = await adapterPath(work, trainingName(arm), seed, writer);
          const trained = arm.adapts ? await trainedArm(work, run, arm, seed, writer) : null;
          return run.run(arm, seed, trained, path);
        });
        log(`${arm.name} seed ${seed} writer ${writer}: ${describe(result)}`);
      }
      run.forgetMeasured();
    }
    const adapter = arms.find(({ name }) => name === "no_retuning");
    if (adapter !== undefined) await measureControls(work, adapter, runs, seed, isWanted);
  }
}

/** What the training of an arm cost; its adapter is in its place then. */
async function trainedArm(work: Work, run: WriterRun, arm: Arm, seed: number, writer: number): Promise<TrainedArm> {
  const path = await adapterPath(work, trainingName(arm), seed, writer);
  const key = `trained/${trainingName(arm)}/${seed}/${writer}`;
  const kept = work.state.kept(key) !== undefined;
  const trained = await work.state.once(key, () => run.train(arm, seed, path));
  if (kept && !existsSync(path)) await run.train(arm, seed, path); // figures from elsewhere come without adapters
  return trained;
}

/** What needs the adapters of `no_retuning`: other people's adapters, the warm start alone, forgetting. */
async function measureControls(
  work: Work,
  arm: Arm,
  runs: ReadonlyMap<number, WriterRun>,
  seed: number,
  isWanted: (name: string) => boolean,
): Promise<void> {
  const { rig, state, writers, log } = work;
  const adapterOf = async (writer: number) => {
    await trainedArm(work, required(runs.get(writer)), arm, seed, writer);
    return adapterPath(work, trainingName(arm), seed, writer);
  };
  for (const [i, split] of writers.entries()) {
    const { writer } = split;
    const run = required(runs.get(writer));
    work.signal.throwIfAborted();
    if (isWanted(SWAPPED)) {
      const other = required(writers[(i + 1) % writers.length]).writer;
      await state.once(cellKey(SWAPPED, seed, writer), async () => run.measureWith(await adapterOf(other)));
    }
    const { metaAdapter } = rig;
    if (isWanted(WARM_START_ONLY) && metaAdapter !== null) {
      await state.once(cellKey(WARM_START_ONLY, 1, writer), () => run.measureWith(metaAdapter));
    }
    const base = state.kept(cellKey("base", 1, writer)) as ArmResult | undefined;
    if (isWanted(DOMAIN_ARM) && seed === 1 && base !== undefined) {
      const domains = await state.once(`domains/${writer}`, async () =>
        measureDomains(rig, run, split, await adapterOf(writer), base, seed),
      );
      for (const { domain, learned } of domains) log(`domain ${domain} writer ${writer}: from ${learned} dialogues`);
    }
    if (isWanted("forgetting")) {
      await state.once(`forgetting/${seed}/${writer}`, async () => forgetting(rig, await adapterOf(writer)));
    }
  }
}

/** Relative rise of the perplexity per token on general text. */
async function forgetting(rig: Rig, adapter: string): Promise<number> {
  const { maxTokens } = rig.settings.optimiser;
  const { base, adapted } = await measureBesideBase(rig.parts, "general", rig.general.measured, adapter, maxTokens);
  return Math.expm1((meanLoss(adapted) ?? Number.NaN) - (meanLoss(base) ?? Number.NaN));
}

async function measureTrigram({ state, writers }: Work, others: readonly Writer[]): Promise<void> {
  const general = new WordTrigram();
  for (const turn of others.flatMap(({ dialogues }) => dialogues.flat())) general.add(turn);
  for (const { writer, training, validation, test } of writers) {
    await state.once(`trigram/${writer}`, async () => {
      const weigher = new WordTrigram();
      for (const turn of training.flat()) weigher.add(turn);
      const weighed = new TrigramMixture(general, weigher);
      weighed.fit(validation.flat());
      const own = new WordTrigram();
      for (const turn of [...training, ...validation].flat()) own.add(turn);
      const { general: before, mixture } = new TrigramMixture(general, own, weighed.ownWeight).nats(test.flat());
      return { general: before, mixture, words: test.flat().reduce((sum, turn) => sum + countWords(turn), 0) };
    });
  }
}

async function measureStyles({ rig, state, seeds, log, signal }: Work, groups: readonly StyleGroup[]): Promise<void> {
  await state.once(CEILING_KEY, async () => styleCeiling(groups, CEILING_SEEDS));
  for (const seed of seeds) {
    for (const style of Object.keys(groups[0]?.answers ?? {})) {
      for (const feedback of FEEDBACK_KINDS) {
        signal.throwIfAborted();
        const result: StyleResult = await state.once(`style/${feedback}/${seed}/${style}`, () =>
          measureStyle(rig, groups, style, feedback, seed, STYLE),
        );
        log(`style ${style}, feedback ${feedback}, seed ${seed}: ${result.firstByReward} of ${result.asked} first`);
      }
    }
  }
}

async function adapterPath({ folder }: Work, training: string, seed: number, writer: number): Promise<string> {
  await mkdir(join(folder, "adapters"), { recursive: true });
  return join(folder, "adapters", `${training}-${seed}-${writer}.gguf`);
}

function describe({ dialogues, cpuSeconds, prompted }: ArmResult): string {
  const nats = dialogues.reduce((sum, [each]) => sum + each, 0) / dialogues.reduce((sum, [, words]) => sum + words, 0);
  return `perplexity per word ${Math.exp(nats).toFixed(1)}, ${cpuSeconds.toFixed(1)} CPU s${prompted ? ", prompted" : ""}`;
}

function smallest(writers: readonly WriterSplit[], count: number): readonly WriterSplit[] {
  return [...writers].sort((a, b) => a.dialogues.length - b.dialogues.length).slice(0, count);
}

function wantedNames(option: string | boolean | undefined): readonly string[] {
  const controls = [SWAPPED, WARM_START_ONLY, TRIGRAM, "forgetting", STYLE_ARM, MICRO_ARM, DOMAIN_ARM, CORRECTION_ARM];
  const known = [...ARMS.map(({ name }) => name), ...controls];
  if (option === undefined) return known;
  const names = `${option}`.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new AppError("E_USAGE", `no arm ${unknown}; known: ${known.join(", ")}`);
  return ["base", ...names];
}

function wholeNumber(option: string, value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new AppError("E_USAGE", `--${option} must be a whole number above 0`);
  return number;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new AppError("E_INTERNAL", "a writer is missing");
  return value;
}
