import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileWriteError } from "../core/atomic-file.ts";
import { AppError } from "../core/errors.ts";
import { type AdapterManifest, versionOf } from "./adapter-manifest.ts";
import type { EncodedExample } from "./example-encoding.ts";
import type { GateDecision, PairedLoss } from "./gate.ts";
import { type JobEvent, nextJobState, tempoOf } from "./job.ts";
import type { JobCandidate, JobRecord } from "./job-journal.ts";
import type { JobWorld } from "./job-world.ts";
import { type EncodedProbes, probeMargins } from "./monitor/probe-margins.ts";
import { judgeSafety, type SafetyVerdict } from "./monitor/safety-verdict.ts";
import type { TrainerPlan } from "./ports.ts";
import { seedFor } from "./seeded-random.ts";
import { measureBesideBase, pairedLosses, type TrainerStepParts } from "./trainer-steps.ts";

/** One job under way: its record, its folder, and the steps that both kinds of job share. */
export class JobRun {
  readonly world: JobWorld;
  readonly folder: string;
  #record: JobRecord;
  #plan: TrainerPlan | null = null;

  constructor(world: JobWorld, record: JobRecord) {
    this.world = world;
    this.#record = record;
    this.folder = join(world.workFolder, record.id);
  }

  get record(): JobRecord {
    return this.#record;
  }

  /** Plan of the newest training run. */
  get plan(): TrainerPlan | null {
    return this.#plan;
  }

  get parts(): TrainerStepParts {
    const { trainer, base, baseLosses, threads, signal, onTrainerEvent } = this.world;
    return {
      trainer,
      baseLosses,
      model: base.path,
      folder: this.folder,
      threads,
      signal,
      onEvent: (event) => {
        if (event.kind === "plan" && event.plan.mode === "train") this.#plan = event.plan;
        onTrainerEvent(event);
      },
    };
  }

  /** A fresh folder for user text in numbers, mode 0700; removed afterwards, whatever happened. */
  async inFolder<T>(work: () => Promise<T>): Promise<T> {
    await rm(this.folder, { recursive: true, force: true });
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fileWriteError(error, this.folder);
    }
    try {
      return await work();
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  /** Writes the change down, then tells of it. A state that the event does not allow is a defect. */
  async step(event: JobEvent | null, change: Partial<JobRecord> = {}): Promise<void> {
    const state = event === null ? this.#record.state : nextJobState(this.#record.state, event);
    if (state === null) throw new AppError("E_INTERNAL", `a ${this.#record.state} job cannot be ${event}`);
    this.#record = { ...this.#record, ...change, state };
    await this.world.journal.write(this.#record);
    this.world.onRecord(this.#record);
  }

  /**
   * Measures the candidate beside the base on what is the same for every candidate: general text and the monitor's probes.
   * @throws AppError as measureBesideBase.
   */
  async measureFixed(
    general: readonly EncodedExample[],
    probes: EncodedProbes,
    candidatePath: string,
  ): Promise<{ readonly general: readonly PairedLoss[]; readonly safety: SafetyVerdict }> {
    const { settings, seed } = this.world;
    const texts = [...general, ...probes.encoded];
    const measured = await measureBesideBase(this.parts, "fixed", texts, candidatePath, settings.optimiser.maxTokens);
    const ids = new Set(general.map(({ example }) => example.id));
    const margins = probeMargins(probes, measured);
    return {
      general: pairedLosses(measured.base, measured.adapted, (id) => ids.has(id)),
      safety: judgeSafety(margins, probes, settings.safety, settings.gate, seedFor(seed, "safety")),
    };
  }

  /** Seals candidate and numbers into the store; ends as staged or rejected. */
  async conclude(
    candidatePath: string,
    candidate: JobCandidate,
    gate: GateDecision,
    facts: Pick<AdapterManifest, "parent" | "heldOutInteractionIds">,
  ): Promise<void> {
    const { store, base, seed, settings, clock } = this.world;
    const { profileId, kind } = this.#record;
    const { size } = await stat(candidatePath);
    const version = versionOf(candidate.sha256);
    const { sha256, schedule, warmStart, trainedInteractionIds, trainedExampleIds, plan } = candidate;
    const manifest: AdapterManifest = {
      v: 1,
      version,
      sha256,
      sizeBytes: size,
      profileId,
      kind,
      domain: this.#record.domain,
      createdAtMs: clock.now(),
      base: { sha256: base.sha256, name: base.name },
      ...facts,
      warmStart,
      seed,
      settings,
      trainedInteractionIds,
      trainedExampleIds,
      schedule,
      gate,
      plan,
    };
    const known = await this.#knownPromoted(version);
    // The same bytes again, measured against themselves, must not turn the version in use into a refused one.
    if (gate.promoted || !known) await store.stage(candidatePath, manifest);
    // A quick job keeps nothing; what is there belongs to the full job that made way for it.
    if (tempoOf(kind) === "full") await this.world.journal.dropKept(profileId);
    await this.step(gate.promoted ? "promoted" : "refused", { gate: manifest.gate, version });
  }

  async #knownPromoted(version: string): Promise<boolean> {
    const listings = await this.world.store.list(this.#record.profileId, null);
    return listings.some(({ manifest, state }) => manifest.version === version && state !== "rejected");
  }
}
