import { rm } from "node:fs/promises";
import { Mutex } from "async-mutex";
import { AppError, type ErrorCode, isAppError, toAppError } from "../core/errors.ts";
import { EventBus } from "../core/event-bus.ts";
import { randomId } from "../core/ids.ts";
import type { Service } from "../core/service.ts";
import type { ProfileArchive, ProfileListing } from "../profile/ports.ts";
import { AdapterInUse } from "./adapter-in-use.ts";
import { type Eligibility, type EligibilityPolicy, type TrainingBudget, trainingEligibility } from "./eligibility.ts";
import { runFullJob } from "./full-job.ts";
import { isJobOver, type JobState } from "./job.ts";
import type { JobRecord } from "./job-journal.ts";
import { type BaseModel, type JobWorld, MAX_INTERACTIONS } from "./job-world.ts";
import { runMicroJob, untrainedCorrections } from "./micro-job.ts";
import type { TrainerEvent } from "./ports.ts";
import { PreemptibleTrainer } from "./preemptible-trainer.ts";
import { reconcileProfile } from "./reconcile.ts";

export interface AdaptationConfig {
  readonly policy: EligibilityPolicy;
  /** Learn at once from explicit corrections. */
  readonly microUpdates: boolean;
  /** How often eligibility is looked at, ms. */
  readonly checkMs: number;
  /** After a turn, before training goes on, ms. */
  readonly graceMs: number;
  /** Versions whose weights are kept besides the ones in use. */
  readonly keepVersions: number;
  readonly seed: number;
}

export interface AdaptationDeps
  extends Omit<JobWorld, "archive" | "base" | "signal" | "seed" | "threads" | "onRecord" | "onTrainerEvent"> {
  readonly archive: Pick<ProfileArchive, "list" | "interactions">;
  /** Null while no model is loaded. */
  base(): BaseModel | null;
  budget(): TrainingBudget;
  /** Makes the assistant answer with this adapter, or with none, from the next answer on. */
  useAdapter(path: string | null): Promise<void>;
  /** A lasting condition to tell of; null = it is over. */
  alert(code: ErrorCode, message: string | null): void;
}

export interface AdaptationEvents {
  job: { readonly id: string; readonly profileId: string; readonly kind: JobRecord["kind"]; readonly state: JobState };
  trainer: TrainerEvent;
  adapter: { readonly profileId: string | null; readonly version: string | null };
}

/** What training is doing and what stands in its way. */
export interface AdaptationStatus {
  readonly profileId: string | null;
  readonly eligibility: Eligibility;
  readonly newInteractions: number;
  readonly job: JobRecord | null;
  readonly lastFull: JobRecord | null;
  readonly lastMicro: JobRecord | null;
  readonly adapter: string | null;
  readonly budget: TrainingBudget;
  readonly isHeld: boolean;
}

type Wish = "micro" | "rebuild" | "full" | "resume";
/** Why a job was ended from outside. */
type EndReason = "yield" | "shutdown" | "consent" | "cancelled" | "deleted" | "forgotten";

interface RunningJob {
  record: JobRecord;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Keeps each consenting profile's adapter up to date: decides when, runs one job at a time, and puts what the gate lets
 * through into use between turns.
 *
 * INVARIANTS: at most one job runs; the trainer stands still from the first moment of a turn until `graceMs` after it;
 * a version that is revoked is out of use before `interactionDeleted` resolves; a profile without `store` and `train`
 * consent is answered by the base alone.
 */
export class AdaptationService implements Service {
  readonly name = "adaptation";
  readonly #deps: AdaptationDeps;
  readonly #config: AdaptationConfig;
  readonly #bus: EventBus<AdaptationEvents>;
  readonly #trainer: PreemptibleTrainer;
  readonly #inUse: AdapterInUse;
  readonly #ticks = new Mutex();
  readonly #wishes = new Map<string, Set<Wish>>();
  #running: RunningJob | null = null;
  #isBusy = false;
  #idleSinceMs: number;
  #cancelCheck = () => {};
  #cancelGrace = () => {};
  #isStopped = true;

  constructor(deps: AdaptationDeps, config: AdaptationConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#trainer = new PreemptibleTrainer(deps.trainer, deps.log);
    this.#bus = new EventBus((event, error) =>
      deps.log.error({ event: String(event), err: String(error) }, "adaptation listener failed"),
    );
    this.#inUse = new AdapterInUse(deps, (adapter) => this.#bus.emit("adapter", adapter));
    this.#idleSinceMs = deps.clock.monotonicMs();
  }

  /** Version that answers now; null = the base alone. */
  get activeVersion(): string | null {
    return this.#inUse.version;
  }

  on<K extends keyof AdaptationEvents>(event: K, handler: (payload: AdaptationEvents[K]) => void): () => void {
    return this.#bus.on(event, handler);
  }

  /** Takes up what an earlier process left: finishes revocations, removes what belongs to nobody, resumes jobs. */
  async start(): Promise<void> {
    this.#isStopped = false;
    await rm(this.#deps.workFolder, { recursive: true, force: true });
    const profiles = await this.#deps.archive.list();
    for (const id of new Set([...(await this.#deps.store.profiles()), ...profiles.map((profile) => profile.id)])) {
      const wish = await reconcileProfile(this.#deps, id, profiles);
      if (wish !== null) this.#wish(id, wish);
    }
    await this.#inUse.apply();
    this.#scheduleCheck();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelCheck();
    this.#cancelGrace();
    await this.#endJob("shutdown");
    await this.#ticks.waitForUnlock();
    await this.#deps.store.closeAllBut([]);
    await rm(this.#deps.workFolder, { recursive: true, force: true });
  }

  /** A turn begins or is over. */
  setBusy(isBusy: boolean): void {
    const { clock } = this.#deps;
    this.#cancelGrace();
    this.#isBusy = isBusy;
    if (isBusy) {
      this.#trainer.hold();
      return;
    }
    this.#idleSinceMs = clock.monotonicMs();
    this.#cancelGrace = clock.after(this.#config.graceMs, () => {
      this.#trainer.release();
      this.#kick();
    });
  }

  /** Another language model is loaded, or the same one anew. */
  async modelLoaded(): Promise<void> {
    this.#inUse.forgetModel();
    const setAside = await this.#inUse.apply();
    for (const profileId of setAside) this.#wish(profileId, "rebuild");
    this.#kick();
  }

  /** Another profile is active. */
  async profileChanged(): Promise<void> {
    await this.#inUse.apply();
    this.#kick();
  }

  /** An answer of this profile was corrected explicitly. */
  corrected(profileId: string): void {
    if (!this.#config.microUpdates) return;
    this.#wish(profileId, "micro");
    if (this.#running !== null && this.#running.record.kind !== "micro") void this.#endJob("yield");
    this.#kick();
  }

  /** Consent of a profile changed; a withdrawal ends its job and takes its adapter out of use. */
  async consentChanged(): Promise<void> {
    const running = this.#running;
    if (running !== null) {
      const profile = (await this.#deps.archive.list()).find(({ id }) => id === running.record.profileId);
      if (profile === undefined || !mayTrain(profile)) await this.#endJob("consent");
    }
    await this.#inUse.apply();
    this.#kick();
  }

  /** Call after the row is gone. Resolves when nothing that was trained on it is in use or on disk. */
  async interactionDeleted(interactionId: string): Promise<readonly string[]> {
    if (this.#running?.record.interactionIds?.includes(interactionId) !== false) await this.#endJob("deleted");
    const revoked: string[] = [];
    for (const profileId of await this.#deps.store.profiles()) {
      const wish = await reconcileProfile(this.#deps, profileId, null, (id) => id === interactionId, revoked);
      if (wish !== null) this.#wish(profileId, wish);
    }
    if (revoked.length > 0) this.#deps.log.info({ versions: revoked }, "adapters trained on a deleted row revoked");
    await this.#inUse.apply();
    this.#kick();
    return revoked;
  }

  /** Call after the profile is gone. Returns how many adapter versions were removed. */
  async profileForgotten(profileId: string): Promise<number> {
    this.#wishes.delete(profileId);
    if (this.#running?.record.profileId === profileId) await this.#endJob("forgotten");
    const removed = await this.#deps.store.forget(profileId);
    await this.#inUse.apply();
    return removed;
  }

  /**
   * Asks for a full job of the active profile now.
   * @throws AppError E_TRAINING_INELIGIBLE naming what stands in the way.
   */
  async trainNow(): Promise<void> {
    const profile = await this.#activeProfile();
    const { eligible, reasons } = await this.#eligibility(profile, true);
    if (profile === null || !eligible) {
      throw new AppError("E_TRAINING_INELIGIBLE", `training cannot begin: ${reasons.join(", ")}`, {
        details: { reasons: reasons.join(",") },
      });
    }
    this.#wish(profile.id, "full");
    this.#kick();
  }

  /** Ends the running job for good; false when none runs. */
  async cancel(): Promise<boolean> {
    const isRunning = this.#running !== null;
    await this.#endJob("cancelled");
    return isRunning;
  }

  /** Puts a version of the active profile into use. @throws AppError E_ADAPTER_UNKNOWN, E_ADAPTER_GONE, E_PROFILE_UNKNOWN. */
  async activate(version: string): Promise<void> {
    const profile = await this.#requireProfile();
    await this.#deps.store.activate(profile.id, version);
    await this.#inUse.apply();
  }

  /** Back to the version before, or to none; returns what is in use then. */
  async rollback(): Promise<string | null> {
    const profile = await this.#requireProfile();
    const base = this.#deps.base();
    if (base === null) throw new AppError("E_MODEL_NOT_READY", "no language model is loaded");
    await this.#deps.store.rollback(profile.id, base.sha256);
    await this.#inUse.apply();
    return this.#inUse.version;
  }

  async status(): Promise<AdaptationStatus> {
    const profile = await this.#activeProfile();
    const { journal, budget } = this.#deps;
    return {
      profileId: profile?.id ?? null,
      eligibility: await this.#eligibility(profile, false),
      newInteractions: profile === null ? 0 : await this.#newInteractions(profile.id),
      job: this.#running?.record ?? null,
      lastFull: profile === null ? null : await journal.read(profile.id, "full"),
      lastMicro: profile === null ? null : await journal.read(profile.id, "micro"),
      adapter: this.#inUse.version,
      budget: budget(),
      isHeld: this.#trainer.isHeld,
    };
  }

  #wish(profileId: string, wish: Wish): void {
    const wishes = this.#wishes.get(profileId) ?? new Set();
    wishes.add(wish);
    this.#wishes.set(profileId, wishes);
  }

  #scheduleCheck(): void {
    if (this.#isStopped) return;
    this.#cancelCheck = this.#deps.clock.after(this.#config.checkMs, () => {
      this.#kick();
      this.#scheduleCheck();
    });
  }

  /** Looks whether there is something to do; never rejects. */
  #kick(): void {
    this.#ticks
      .runExclusive(() => this.#tick())
      .catch((error: unknown) => this.#deps.log.error({ err: String(error) }, "looking for training work failed"));
  }

  async #tick(): Promise<void> {
    const { duty, threads } = this.#deps.budget();
    this.#trainer.setLimits({ duty, threads: Math.max(1, threads) });
    if (this.#isStopped || this.#isBusy || this.#running !== null) return;
    const base = this.#deps.base();
    if (base === null) return;
    const profiles = (await this.#deps.archive.list()).toSorted((a, b) => Number(b.isActive) - Number(a.isActive));
    for (const profile of profiles) {
      const next = await this.#nextJob(profile, base);
      if (next === null) continue;
      this.#begin(next, base);
      return;
    }
  }

  async #nextJob(profile: ProfileListing, base: BaseModel): Promise<JobRecord | null> {
    const { journal } = this.#deps;
    const wishes = this.#wishes.get(profile.id) ?? new Set<Wish>();
    const isForced = wishes.has("full") || wishes.has("rebuild") || wishes.has("resume");
    if (wishes.has("micro") && (await this.#eligibility(profile, true, 1)).eligible) {
      wishes.delete("micro");
      const active = await this.#deps.store.active(profile.id, base.sha256);
      const interactions = await this.#deps.archive.interactions(profile.id, MAX_INTERACTIONS);
      if (untrainedCorrections(interactions, active).length > 0) return this.#newRecord(profile.id, "micro", base);
    }
    if (!(await this.#eligibility(profile, isForced)).eligible) return null;
    const unfinished = await journal.read(profile.id, "full");
    const kind = wishes.has("rebuild") ? "rebuild" : "full";
    for (const wish of ["full", "rebuild", "resume"] as const) wishes.delete(wish);
    if (unfinished !== null && !isJobOver(unfinished.state) && unfinished.base === base.sha256) return unfinished;
    return this.#newRecord(profile.id, kind, base);
  }

  #newRecord(profileId: string, kind: JobRecord["kind"], base: BaseModel): JobRecord {
    return {
      v: 1,
      id: randomId("j"),
      profileId,
      kind,
      state: "waiting",
      createdAtMs: this.#deps.clock.now(),
      base: base.sha256,
      interactionIds: null,
      dataDigest: null,
      done: null,
      candidate: null,
      gate: null,
      version: null,
      failure: null,
    };
  }

  #begin(record: JobRecord, base: BaseModel): void {
    const controller = new AbortController();
    const running: RunningJob = {
      record,
      controller,
      ended: Promise.resolve().then(() => this.#run(running, base)),
    };
    this.#running = running;
  }

  /** Never rejects. */
  async #run(running: RunningJob, base: BaseModel): Promise<void> {
    const { log } = this.#deps;
    try {
      const world = this.#world(running, base);
      const { record } = running;
      if (record.state !== "staged") {
        running.record = await (record.kind === "micro" ? runMicroJob(world, record) : runFullJob(world, record));
      }
      if (running.record.state === "staged") await this.#promote(running);
      else log.info({ job: record.id, reasons: running.record.gate?.reasons }, "candidate refused by the gate");
    } catch (error) {
      await this.#failed(running, error).catch((thrown: unknown) =>
        log.error({ err: String(thrown) }, "the end of a job could not be written down"),
      );
    } finally {
      this.#running = null;
    }
    this.#kick();
  }

  #world(running: RunningJob, base: BaseModel): JobWorld {
    const { threads } = this.#deps.budget();
    return {
      ...this.#deps,
      trainer: this.#trainer,
      base,
      threads: Math.max(1, threads),
      seed: this.#config.seed,
      signal: running.controller.signal,
      onRecord: (record) => this.#show(running, record),
      onTrainerEvent: (event) => this.#bus.emit("trainer", event),
    };
  }

  #show(running: RunningJob, record: JobRecord): void {
    const changed = running.record.state !== record.state;
    running.record = record;
    const { id, profileId, kind, state } = record;
    if (changed) this.#bus.emit("job", { id, profileId, kind, state });
  }

  async #promote(running: RunningJob): Promise<void> {
    const { store, journal } = this.#deps;
    const { record } = running;
    running.controller.signal.throwIfAborted();
    if (record.version === null) throw new AppError("E_INTERNAL", "a staged job has no version");
    await store.activate(record.profileId, record.version);
    await this.#inUse.apply();
    const active: JobRecord = { ...record, state: "active" };
    await journal.write(active);
    this.#show(running, active);
    await store.prune(record.profileId, this.#config.keepVersions);
    // The newest corrections are held out of a full job: they are learned on top of it.
    if (record.kind !== "micro" && this.#config.microUpdates) this.#wish(record.profileId, "micro");
  }

  async #failed(running: RunningJob, thrown: unknown): Promise<void> {
    const { journal, log, alert } = this.#deps;
    const { record, controller } = running;
    const reason: EndReason | null = controller.signal.aborted ? (controller.signal.reason as EndReason) : null;
    const error = isAppError(thrown) ? thrown : toAppError(thrown, "E_INTERNAL", "a training job failed");
    if (reason === "forgotten") return;
    if (reason === "yield" || reason === "shutdown") {
      // What it came to is in the journal; only the state of a job that runs must not stay.
      const isKept = record.state === "evaluating" || record.state === "staged";
      await journal.write({ ...record, state: isKept ? record.state : "waiting" });
      if (reason === "yield") this.#wish(record.profileId, "resume");
      return;
    }
    if (reason === "deleted") this.#wish(record.profileId, "rebuild");
    if (record.kind !== "micro") await journal.dropKept(record.profileId);
    const failure = reason ?? error.code;
    const failed: JobRecord = { ...record, state: "failed", failure };
    this.#show(running, failed);
    if (reason === null) {
      log.warn({ job: record.id, code: error.code, err: error.message }, "training job failed");
      if (error.code === "E_DISK_FULL") alert("E_DISK_FULL", error.message);
    }
    await journal.write(failed);
  }

  async #endJob(reason: EndReason): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    // A trainer that stands still cannot be told to stop.
    running.controller.abort(reason);
    await running.ended;
  }

  async #eligibility(
    profile: ProfileListing | null,
    isForced: boolean,
    minInteractions?: number,
  ): Promise<Eligibility> {
    const { clock, journal, budget } = this.#deps;
    const { policy } = this.#config;
    const last = profile === null ? null : await journal.read(profile.id, "full");
    const sinceMs = last === null ? null : clock.now() - last.createdAtMs;
    const base = this.#deps.base();
    return trainingEligibility(
      {
        consent: profile?.consent ?? { store: false, train: false },
        newInteractions: profile === null ? 0 : await this.#newInteractions(profile.id, last),
        interactions: profile?.interactionCount ?? 0,
        budget: budget(),
        idleMs: this.#isBusy ? 0 : clock.monotonicMs() - this.#idleSinceMs,
        // In the future: the clock was set back.
        sinceLastAttemptMs: sinceMs === null || sinceMs < 0 ? null : sinceMs,
        isModelReady: base !== null,
        isTrainable: base?.isTrainable ?? false,
        isJobRunning: this.#running !== null,
        isForced,
      },
      { ...policy, minInteractions: minInteractions ?? policy.minInteractions },
    );
  }

  async #newInteractions(profileId: string, last?: JobRecord | null): Promise<number> {
    const record = last === undefined ? await this.#deps.journal.read(profileId, "full") : last;
    // What a failed job did not come to learn is still new.
    const known = new Set(record === null || record.state === "failed" ? [] : record.interactionIds);
    const interactions = await this.#deps.archive.interactions(profileId, MAX_INTERACTIONS);
    return interactions.filter(({ id }) => !known.has(id)).length;
  }

  async #activeProfile(): Promise<ProfileListing | null> {
    return (await this.#deps.archive.list()).find(({ isActive }) => isActive) ?? null;
  }

  async #requireProfile(): Promise<ProfileListing> {
    const profile = await this.#activeProfile();
    if (profile === null) throw new AppError("E_PROFILE_UNKNOWN", "there is no profile yet");
    return profile;
  }
}

function mayTrain({ consent }: ProfileListing): boolean {
  return consent.store && consent.train;
}
