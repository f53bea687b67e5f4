import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
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
import { chooseTrainingLines, prepareTrainingData, type TrainingData } from "./training-data.ts";
import { trainInPasses } from "./training-run.ts";

/**
 * Trains the version in use further on the turns of one domain. The result answers that domain's turns in its place; the
 * gate compares the two on the domain's newest turns, which neither was trained on. A restart begins it anew.
 *
 * @throws AppError E_DATA_INVALID without turns of the domain; E_ADAPTER_GONE without a version in use; E_ABORTED,
 *   E_DISK_FULL, and what the trainer reports.
 */
export async function runTaskJob(world: JobWorld, record: JobRecord): Promise<JobRecord> {
  const run = new JobRun(world, { ...record, state: "waiting", candidate: null });
  await run.inFolder(async () => {
    await run.step("began");
    const { store, base } = world;
    const parent = await store.active(record.profileId, base.sha256);
    if (parent === null) throw new AppError("E_ADAPTER_GONE", "there is no general adapter to train further");
    await using encoder = await world.openEncoder();
    const { data, interactionIds } = await prepare(run, encoder);
    const probes = await encodeProbes(await world.probes(), encoder, world.settings.optimiser.maxTokens);
    await run.step("prepared", { interactionIds });
    const init = await store.open(record.profileId, parent.version);
    const { path, candidate } = await train(run, data, parent, init, encoder);
    await run.step("trained", { candidate });
    await judge(run, data, probes, { path, candidate }, { version: parent.version, path: init });
  });
  return run.record;
}

/** The profile's data, cut in time as a full job cuts it; of the user's words those of the domain alone. */
async function prepare(
  run: JobRun,
  encoder: TrainingTextEncoder,
): Promise<{ readonly data: TrainingData; readonly interactionIds: readonly string[] }> {
  const { archive, settings, compose, general } = run.world;
  const { profileId, domain } = run.record;
  const interactions = await archive.interactions(profileId, MAX_INTERACTIONS);
  const data = await prepareTrainingData(interactions, settings, { encoder, general: await general(), compose });
  const isOwn = ({ example }: EncodedExample) => example.domain === domain;
  const candidates = data.candidates.filter(isOwn);
  if (candidates.length === 0) throw new AppError("E_DATA_INVALID", "there is nothing of that domain to train on");
  return {
    data: { ...data, candidates, validation: data.validation.filter(isOwn), heldOut: data.heldOut.filter(isOwn) },
    interactionIds: interactions.map(({ id }) => id),
  };
}

async function train(
  run: JobRun,
  { candidates, validation, watched }: TrainingData,
  parent: AdapterManifest,
  init: string,
  encoder: TrainingTextEncoder,
): Promise<{ readonly path: string; readonly candidate: JobCandidate }> {
  const { settings, general, compose, embedder } = run.world;
  const { lr, passes: maxPasses } = settings.task;
  const seed = seedFor(run.world.seed, `task ${run.record.domain}`);
  const parts = { encoder, general: await general(), compose, embedder };
  const lines = await chooseTrainingLines(candidates, new Map(), settings, seed, parts);
  const trained = await trainInPasses(
    run.parts,
    { lines, validation, watched },
    {
      settings: { ...settings, maxPasses, learningRate: { ...settings.learningRate, baseLr: lr } },
      seed,
      initAdapter: init,
      resumed: null,
      onPass: async () => {},
    },
  );
  const { surprise, startLoss, passes } = trained.done;
  const { strength, watchedRise, sha256 } = trained;
  const own = lines.filter(({ example }) => example.kind !== "replay");
  const candidate: JobCandidate = {
    sha256,
    schedule: { surprise, startLoss, passes, strength, watchedRise },
    warmStart: await fileSha256(init),
    trainedInteractionIds: [
      ...new Set([...parent.trainedInteractionIds, ...own.flatMap(({ example }) => example.interactionIds)]),
    ],
    trainedExampleIds: [...new Set([...parent.trainedExampleIds, ...lines.map(({ example }) => example.id)])],
    plan: planFacts(run.plan),
  };
  return { path: trained.adapter, candidate };
}

async function judge(
  run: JobRun,
  { heldOut, general }: TrainingData,
  probes: EncodedProbes,
  { path, candidate }: { readonly path: string; readonly candidate: JobCandidate },
  parent: { readonly version: string; readonly path: string },
): Promise<void> {
  const { settings, seed } = run.world;
  const { maxTokens } = settings.optimiser;
  const after = await measureExamples(run.parts, "held-out", heldOut, path, maxTokens);
  const before = await measureExamples(run.parts, "held-out-before", heldOut, parent.path, maxTokens);
  const fixed = await run.measureFixed(general, probes, path);
  const gate = decideGate(pairedLosses(before, after), fixed.general, settings.gate, seedFor(seed, "task gate"));
  await run.conclude(path, candidate, withSafety(gate, fixed.safety), {
    parent: parent.version,
    heldOutInteractionIds: [...new Set(heldOut.flatMap(({ example }) => example.interactionIds.slice(-1)))],
  });
}
