import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import type { Interaction } from "../profile/ports.ts";
import type { AdapterManifest } from "./adapter-manifest.ts";
import { writeScaledAdapter } from "./adapter-scale.ts";
import { movedTowards, readAdapterWeights, writeAdapterWeights } from "./adapter-weights.ts";
import { type EncodedExample, encodeExamples } from "./example-encoding.ts";
import { answerCorrection, buildExamples, correctionId, type TrainingExample } from "./examples.ts";
import { decideMicroGate, harmsWords, pairedBootstrap, withSafety } from "./gate.ts";
import { generalExamples, replayExamples } from "./general-text.ts";
import type { JobCandidate, JobRecord } from "./job-journal.ts";
import { JobRun } from "./job-run.ts";
import { type JobWorld, MAX_INTERACTIONS, planFacts } from "./job-world.ts";
import { type EncodedProbes, encodeProbes } from "./monitor/probe-margins.ts";
import type { TrainerMetrics } from "./ports.ts";
import { seedFor } from "./seeded-random.ts";
import { writeTokenFile } from "./token-file.ts";
import { measureExamples, pairedLosses, runStep } from "./trainer-steps.ts";

/** Corrections taken in one update: the newest. */
const MAX_FOCUS = 8;
/** Other utterances of the user that must not suffer. */
const MAX_OTHERS = 12;

/** Interactions with a standing correction that a version was not trained on, newest `MAX_FOCUS`, oldest first. */
export function untrainedCorrections(
  interactions: readonly Interaction[],
  active: AdapterManifest | null,
): Interaction[] {
  const known = new Set(active?.trainedExampleIds ?? []);
  return interactions
    .filter((each, i) => !known.has(correctionId(each)) && answerCorrection(each, interactions[i + 1]) !== null)
    .slice(-MAX_FOCUS);
}

/**
 * A few steps on fresh corrections with replay, from the version in use (or the warm start). Quick: one training run,
 * then its measurements. A restart begins it anew.
 *
 * @throws AppError E_DATA_INVALID when there is no fresh correction; E_ABORTED, E_DISK_FULL, and what the trainer reports.
 */
export async function runMicroJob(world: JobWorld, record: JobRecord): Promise<JobRecord> {
  const run = new JobRun(world, { ...record, state: "waiting", candidate: null });
  await run.inFolder(async () => {
    await run.step("began");
    const { store, base } = world;
    const parent = await store.active(record.profileId, base.sha256);
    const data = await prepare(run, parent);
    await run.step("prepared", { interactionIds: data.interactionIds });
    const init = parent === null ? await world.warmStart() : await store.open(record.profileId, parent.version);
    const { path, candidate } = await train(run, data, parent, init);
    await run.step("trained", { candidate });
    await judge(run, data, path, candidate, { parent, init });
  });
  return run.record;
}

interface MicroData {
  readonly interactionIds: readonly string[];
  /** Corrections, and the answers they correct as undesirable ones. */
  readonly own: readonly EncodedExample[];
  readonly corrections: readonly EncodedExample[];
  readonly replay: readonly EncodedExample[];
  readonly others: readonly EncodedExample[];
  readonly general: readonly EncodedExample[];
  readonly probes: EncodedProbes;
}

async function prepare(run: JobRun, parent: AdapterManifest | null): Promise<MicroData> {
  const { settings, seed, archive, compose } = run.world;
  const interactions = await archive.interactions(run.record.profileId, MAX_INTERACTIONS);
  const focus = new Set(untrainedCorrections(interactions, parent).map(({ id }) => id));
  const examples = await buildExamples(interactions, settings.examples, compose);
  const isFocus = ({ order }: TrainingExample) => focus.has(interactions[order]?.id ?? "");
  const text = await run.world.general();
  await using encoder = await run.world.openEncoder();
  const encode = async (some: readonly TrainingExample[]) =>
    (await encodeExamples(some, encoder, settings.optimiser.maxTokens)).encoded;
  const own = await encode(examples.filter((each) => isFocus(each) && each.kind !== "next_utterance"));
  const corrections = own.filter(({ example }) => example.kind === "correction");
  if (corrections.length === 0) throw new AppError("E_DATA_INVALID", "there is no fresh correction to learn");
  const others = examples.filter((each) => each.kind === "next_utterance" && !isFocus(each)).slice(-MAX_OTHERS);
  return {
    interactionIds: interactions.map(({ id }) => id),
    own,
    corrections,
    replay: await encode(replayExamples(text.replay, settings.micro.replayLines, seedFor(seed, "micro replay"))),
    others: await encode(others),
    general: await encode(generalExamples(text.measured.slice(0, settings.micro.generalLines))),
    probes: await encodeProbes(await run.world.probes(), encoder, settings.optimiser.maxTokens),
  };
}

async function train(
  run: JobRun,
  { own, replay }: MicroData,
  parent: AdapterManifest | null,
  init: string | null,
): Promise<{ readonly path: string; readonly candidate: JobCandidate }> {
  const { settings, seed, base, threads } = run.world;
  const { micro, optimiser, lora, losses } = settings;
  const data = join(run.folder, "train.jsonl");
  const sequences = [...own, ...replay].flatMap((each) => each.sequences);
  await writeTokenFile(data, sequences);
  const path = join(run.folder, "micro.gguf");
  const trained = await runStep(run.parts, {
    mode: "train",
    model: base.path,
    data,
    out: path,
    threads,
    seed: seedFor(seed, "micro"),
    lora,
    optimiser: {
      ...optimiser,
      lr: micro.lr,
      steps: micro.steps,
      warmupSteps: Math.min(1, micro.steps),
      accumulate: 1,
      // Every step sees corrections and some of the general text.
      sequencesPerStep: Math.min(sequences.length, 8),
      schedule: "constant",
    },
    losses: { ...losses, klWeight: micro.klWeight },
    ...(init === null ? {} : { initAdapter: init }),
  });
  if (trained.file === null) throw new AppError("E_TRAINER_PROTOCOL", "the trainer reported no adapter");
  const ids = own.flatMap(({ example }) => example.interactionIds);
  const candidate: JobCandidate = {
    sha256: trained.file.sha256,
    schedule: scheduleOf(trained.metrics, micro.lr),
    warmStart: init === null ? null : await fileSha256(init),
    trainedInteractionIds: [...new Set([...(parent?.trainedInteractionIds ?? []), ...ids])],
    trainedExampleIds: [...(parent?.trainedExampleIds ?? []), ...own.map(({ example }) => example.id)],
    plan: planFacts(run.plan),
  };
  return { path, candidate };
}

function scheduleOf({ steps, firstLoss, finalLoss }: TrainerMetrics, lr: number): JobCandidate["schedule"] {
  const passes = [{ pass: 1, lr, steps, finalLoss, validationLoss: null }];
  return { surprise: 1, startLoss: firstLoss, passes, strength: 1, watchedRise: null };
}

/** Where an update began: the version in use, or the warm start, or nothing. */
interface Origin {
  readonly parent: AdapterManifest | null;
  readonly init: string | null;
}

async function judge(
  run: JobRun,
  data: MicroData,
  trained: string,
  candidate: JobCandidate,
  { parent, init }: Origin,
): Promise<void> {
  const { settings, seed } = run.world;
  const { corrections, others, general, probes } = data;
  const { generalCeiling, wordsCeiling } = settings.micro;
  const limits = { ...settings.gate, generalCeiling, wordsCeiling };
  const gateSeed = seedFor(seed, "micro gate");
  const own = [...corrections, ...others];
  const measure = (name: string, path: string | null) =>
    measureExamples(run.parts, name, own, path, settings.optimiser.maxTokens);
  const before = await measure("before", parent === null ? null : init);
  const changesBy = async (path: string) => {
    const after = await measure("after", path);
    const of = (part: readonly EncodedExample[]) => {
      const ids = new Set(part.map(({ example }) => example.id));
      return pairedLosses(before, after, (id) => ids.has(id));
    };
    return { corrections: of(corrections), others: of(others) };
  };
  let update = { path: trained, strength: 1, changes: await changesBy(trained) };
  for (const strength of settings.micro.strengths) {
    const words = pairedBootstrap(update.changes.others, limits.confidence, limits.resamples, gateSeed);
    if (!harmsWords(words, limits)) break;
    const path = join(run.folder, `micro-${strength}.gguf`);
    await writeHeldBack(trained, init, path, strength);
    update = { path, strength, changes: await changesBy(path) };
  }
  const { path, strength, changes } = update;
  const fixed = await run.measureFixed(general, probes, path);
  const gate = decideMicroGate(changes.corrections, changes.others, fixed.general, limits, gateSeed);
  const schedule = { ...candidate.schedule, strength };
  const chosen = { ...candidate, schedule, sha256: await fileSha256(path) };
  await run.conclude(path, chosen, withSafety(gate, fixed.safety), {
    parent: parent?.version ?? null,
    heldOutInteractionIds: others.flatMap(({ example }) => example.interactionIds.slice(-1)),
  });
}

/** The update, only a part of the way from where it began. */
async function writeHeldBack(trained: string, init: string | null, to: string, strength: number): Promise<void> {
  if (init === null) return writeScaledAdapter(trained, to, strength);
  const [from, towards] = [await readAdapterWeights(init), await readAdapterWeights(trained)];
  await writeAdapterWeights(to, movedTowards(from, [towards], strength));
}
