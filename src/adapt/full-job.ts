import { createHash } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import type { Interaction } from "../profile/ports.ts";
import type { AdapterManifest } from "./adapter-manifest.ts";
import type { EncodedExample } from "./example-encoding.ts";
import { decideGate, withSafety } from "./gate.ts";
import type { JobCandidate, JobRecord } from "./job-journal.ts";
import { JobRun } from "./job-run.ts";
import { type JobWorld, MAX_INTERACTIONS, planFacts } from "./job-world.ts";
import { type EncodedProbes, encodeProbes } from "./monitor/probe-margins.ts";
import type { TrainingTextEncoder } from "./ports.ts";
import { seedFor } from "./seeded-random.ts";
import { measureExamples, pairedLosses } from "./trainer-steps.ts";
import { chooseTrainingLines, prepareTrainingData, shortlist, type TrainingData } from "./training-data.ts";
import { type PassesDone, passAdapter, trainInPasses } from "./training-run.ts";

const CANDIDATE = "candidate.gguf.sealed";

/**
 * A full job from whatever its record says was reached, to staged or rejected. The adapter is a function of the
 * interactions, settings, seed, base and warm start: it never begins from the version in use, so that deleting a row and
 * training again gives what would have been without it.
 *
 * @throws AppError E_DATA_INVALID (too little to train on), E_ABORTED, E_DISK_FULL, and what the trainer reports.
 */
export async function runFullJob(world: JobWorld, record: JobRecord): Promise<JobRecord> {
  const run = new JobRun(world, record);
  await run.inFolder(async () => {
    const isJudging = run.record.state === "evaluating";
    if (!isJudging) await run.step("began");
    await using encoder = await world.openEncoder();
    const { data, interactionIds } = await prepare(run, encoder);
    const probes = await encodeProbes(await world.probes(), encoder, world.settings.optimiser.maxTokens);
    const path = join(run.folder, "candidate.gguf");
    const kept = isJudging && (await world.journal.restore(record.profileId, CANDIDATE, path));
    if (isJudging && !kept) throw new AppError("E_ADAPTER_GONE", "the candidate that was being measured is gone");
    const trained = kept ? { path, candidate: run.record.candidate } : await train(run, encoder, data, interactionIds);
    if (trained.candidate === null) throw new AppError("E_INTERNAL", "a job without a candidate cannot be measured");
    await judge(run, data, probes, trained.path, trained.candidate);
  });
  return run.record;
}

interface Prepared {
  readonly data: TrainingData;
  readonly interactionIds: readonly string[];
}

/** An earlier process may have begun: then the same interactions, unless one of them is gone. */
async function prepare(run: JobRun, encoder: TrainingTextEncoder): Promise<Prepared> {
  const { archive, settings, compose, general } = run.world;
  const all = await archive.interactions(run.record.profileId, MAX_INTERACTIONS);
  const interactions = snapshotOf(all, run.record.interactionIds) ?? all;
  const data = await prepareTrainingData(interactions, settings, { encoder, general: await general(), compose });
  if (data.candidates.length === 0) throw new AppError("E_DATA_INVALID", "there is nothing to train on yet");
  return { data, interactionIds: interactions.map(({ id }) => id) };
}

function snapshotOf(all: readonly Interaction[], ids: readonly string[] | null): readonly Interaction[] | null {
  if (ids === null) return null;
  const wanted = new Set(ids);
  const found = all.filter(({ id }) => wanted.has(id));
  return found.length === wanted.size ? found : null;
}

async function train(
  run: JobRun,
  encoder: TrainingTextEncoder,
  data: TrainingData,
  interactionIds: readonly string[],
): Promise<{ readonly path: string; readonly candidate: JobCandidate }> {
  const { settings, seed, general, compose, embedder, journal, base } = run.world;
  const { profileId } = run.record;
  const initAdapter = await run.world.warmStart();
  const listed = await shortlist(data.candidates, settings, embedder);
  const measured = await measureExamples(run.parts, "pool", listed, initAdapter, settings.optimiser.maxTokens);
  const entropies = new Map([...measured].map(([id, { entropy }]) => [id, entropy]));
  const candidates = listed.length === 0 ? data.candidates : listed;
  const parts = { encoder, general: await general(), compose, embedder };
  const lines = await chooseTrainingLines(candidates, entropies, settings, seed, parts);
  const warmStart = initAdapter === null ? null : await fileSha256(initAdapter);
  const dataDigest = digestOf(lines, data.validation, { settings, seed, warmStart, base: base.sha256 });
  const resumed = run.record.dataDigest === dataDigest ? await resumedPasses(run) : null;
  if (resumed === null) await journal.dropKept(profileId);
  await run.step("prepared", { interactionIds, dataDigest, done: resumed });
  const trained = await trainInPasses(
    run.parts,
    { lines, validation: data.validation, watched: data.watched },
    {
      settings,
      seed,
      initAdapter,
      resumed,
      onPass: async (done, adapter) => {
        const pass = done.passes.length;
        await journal.keep(profileId, passName(pass), adapter);
        await run.step(null, { done });
        await journal.dropKept(profileId, [passName(pass), passName(done.rate.bestPass)]);
      },
    },
  );
  const { surprise, startLoss, passes } = trained.done;
  const { strength, watchedRise, sha256 } = trained;
  const own = lines.filter(({ example }) => example.kind !== "replay");
  const candidate: JobCandidate = {
    sha256,
    schedule: { surprise, startLoss, passes, strength, watchedRise },
    warmStart,
    trainedInteractionIds: [...new Set(own.flatMap(({ example }) => example.interactionIds))],
    trainedExampleIds: lines.map(({ example }) => example.id),
    plan: planFacts(run.plan),
  };
  await journal.keep(profileId, CANDIDATE, trained.adapter);
  await run.step("trained", { candidate });
  await journal.dropKept(profileId, [CANDIDATE]);
  return { path: trained.adapter, candidate };
}

/** Puts the adapters of earlier passes back; null when they are not all there, so that training begins anew. */
async function resumedPasses(run: JobRun): Promise<PassesDone | null> {
  const { done, profileId } = run.record;
  if (done === null || done.passes.length === 0) return null;
  for (const pass of new Set([done.passes.length, Math.max(1, done.rate.bestPass)])) {
    if (!(await run.world.journal.restore(profileId, passName(pass), passAdapter(run.folder, pass)))) return null;
  }
  return done;
}

async function judge(
  run: JobRun,
  data: TrainingData,
  probes: EncodedProbes,
  path: string,
  candidate: JobCandidate,
): Promise<void> {
  const { store, base, settings, seed } = run.world;
  const { profileId } = run.record;
  const { maxTokens } = settings.optimiser;
  const heldOutIds = new Set(data.interactionIds.heldOut);
  const parent = await store.active(profileId, base.sha256);
  const reference = await cleanAncestor(run, parent, heldOutIds);
  const compared = reference === null ? null : await store.open(profileId, reference.version);
  const before = await measureExamples(run.parts, "held-out-before", data.heldOut, compared, maxTokens);
  const after = await measureExamples(run.parts, "held-out", data.heldOut, path, maxTokens);
  const fixed = await run.measureFixed(data.general, probes, path);
  const gate = decideGate(pairedLosses(before, after), fixed.general, settings.gate, seedFor(seed, "gate"));
  await run.conclude(path, candidate, withSafety(gate, fixed.safety), {
    parent: parent?.version ?? null,
    heldOutInteractionIds: [...heldOutIds],
  });
}

/**
 * What the candidate is compared with: the version in use, or its newest ancestor that was not trained on held-out words
 * (micro-updates are trained on the newest corrections, which would make them look better than they are); null = the base.
 */
async function cleanAncestor(
  run: JobRun,
  parent: AdapterManifest | null,
  heldOut: ReadonlySet<string>,
): Promise<AdapterManifest | null> {
  const { store } = run.world;
  const listings = await store.list(run.record.profileId, null);
  let version = parent?.version ?? null;
  while (version !== null) {
    const found = listings.find(({ manifest }) => manifest.version === version);
    if (found === undefined) return null;
    const isClean = !found.manifest.trainedInteractionIds.some((id) => heldOut.has(id));
    if (isClean && found.hasFile) return found.manifest;
    version = found.manifest.parent;
  }
  return null;
}

function passName(pass: number): string {
  return `pass-${pass}.gguf.sealed`;
}

function digestOf(lines: readonly EncodedExample[], validation: readonly EncodedExample[], facts: object): string {
  const sequences = [lines, validation].map((part) => part.flatMap((each) => each.sequences));
  return createHash("sha256")
    .update(JSON.stringify([sequences, facts]))
    .digest("hex");
}
