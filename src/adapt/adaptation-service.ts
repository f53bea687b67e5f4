import { rm } from "node:fs/promises";
import { Mutex } from "async-mutex";
import { AppError } from "../core/errors.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Service } from "../core/service.ts";
import type { ProfileListing } from "../profile/ports.ts";
import type { AdaptationConfig, AdaptationDeps, AdaptationEvents, AdaptationStatus } from "./adaptation-ports.ts";
import { AdapterInUse } from "./adapter-in-use.ts";
import { tempoOf } from "./job.ts";
import { JobChooser, type Situation } from "./job-chooser.ts";
import type { EndReason } from "./job-end.ts";
import type { JobRecord } from "./job-journal.ts";
import { JobRunner } from "./job-runner.ts";
import { PreemptibleTrainer } from "./preemptible-trainer.ts";
import { reconcileProfile } from "./reconcile.ts";

/**
 * Keeps each consenting profile's adapter up to date: decides when, runs one job at a time, and puts what the gate lets
 * through into use between turns.
 *
 * INVARIANTS: at most one job runs; the trainer stands still from the first moment of a turn until `graceMs` after it;
 * a version that is revoked is out of use before `interactionsDeleted` resolves; a profile without `store` and `train`
 * consent is answered by the base alone.
 */
export class AdaptationService implements Service {
  readonly name = "adaptation";
  readonly #deps: AdaptationDeps;
  readonly #config: AdaptationConfig;
  readonly #bus: EventBus<AdaptationEvents>;
  readonly #trainer: PreemptibleTrainer;
  readonly #inUse: AdapterInUse;
  readonly #chooser: JobChooser;
  readonly #runner: JobRunner;
  readonly #ticks = new Mutex();
  #isBusy = false;
  #idleSinceMs: number;
  #cancelCheck = () => {};
  #cancelGrace = () => {};
  #isStopped = true;

  constructor(deps: AdaptationDeps, config: AdaptationConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#bus = new EventBus((event, error) =>
      deps.log.error({ event: String(event), err: String(error) }, "adaptation listener failed"),
    );
    this.#trainer = new PreemptibleTrainer(deps.trainer, deps.log);
    this.#inUse = new AdapterInUse(deps, (adapter) => this.#bus.emit("adapter", adapter));
    this.#chooser = new JobChooser(deps, config);
    this.#runner = new JobRunner(deps, config, this.#trainer, {
      onJob: (job) => this.#bus.emit("job", job),
      onTrainer: (event) => this.#bus.emit("trainer", event),
      onPromoted: async () => {
        await this.#inUse.apply();
      },
      onEnd: (record, reason) => this.#jobEnded(record, reason),
    });
    this.#idleSinceMs = deps.clock.monotonicMs();
  }

  /** Version that answers now; null = the base alone. */
  get activeVersion(): string | null {
    return this.#inUse.version;
  }

  /** The one of all turns that have no task adapter; null = the base alone. */
  get generalVersion(): string | null {
    return this.#inUse.general;
  }

  /** A job is under way; its trainer may stand still. */
  get isJobRunning(): boolean {
    return this.#runner.record !== null;
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
      if (wish !== null) this.#chooser.wish(id, wish);
    }
    await this.#applyAdapter();
    this.#scheduleCheck();
    this.#kick();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelCheck();
    this.#cancelGrace();
    await this.#runner.end("shutdown");
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

  /** The governor decided anew. */
  budgetChanged(): void {
    this.#passOnBudget(); // now, and not behind a look for work that is under way
    if (this.#deps.budget().releaseMemory === true) this.#endInBackground("yield");
    this.#kick();
  }

  /** The owner paused training, switched learning off, or ended either. A job under way keeps what it came to. */
  async holdChanged(): Promise<void> {
    const hold = this.#deps.hold();
    // Taken up again when the hold is over: what was trained is sealed, and every consent stands as it was.
    if (hold !== null) await this.#runner.end("yield");
    await this.#applyAdapter();
    this.#kick();
  }

  /** Another language model is loaded, or the same one anew. */
  async modelLoaded(): Promise<void> {
    this.#inUse.forgetModel();
    await this.#applyAdapter();
    this.#kick();
  }

  /** Another profile is active. */
  async profileChanged(): Promise<void> {
    await this.#applyAdapter();
    this.#kick();
  }

  /** An answer of this profile was corrected explicitly. */
  corrected(profileId: string): void {
    if (!this.#config.microUpdates) return;
    this.#chooser.wish(profileId, "micro");
    if (this.#runner.record !== null && this.#runner.record.kind !== "micro") this.#endInBackground("yield");
    this.#kick();
  }

  /**
   * Consent of a profile changed; a withdrawal ends its job and takes its adapter out of use.
   * @returns whether a job was ended, and the version in use before and now.
   */
  async consentChanged(): Promise<{ isJobEnded: boolean; before: string | null; after: string | null }> {
    const { record } = this.#runner;
    const before = this.#inUse.version;
    let isJobEnded = false;
    if (record !== null) {
      const profile = (await this.#deps.archive.list()).find(({ id }) => id === record.profileId);
      isJobEnded = profile?.consent.store !== true || !profile.consent.train;
      if (isJobEnded) await this.#runner.end("consent");
    }
    await this.#applyAdapter();
    this.#kick();
    return { isJobEnded, before, after: this.#inUse.version };
  }

  /** An answer to a turn of this domain comes next. Without task adapters nothing changes. */
  async routeTo(domain: string): Promise<void> {
    if (this.#config.taskAdapters) await this.#inUse.routeTo(domain);
  }

  /** A guest is answered by the base alone. */
  async setGuest(isGuest: boolean): Promise<void> {
    this.#inUse.setGuest(isGuest);
    await this.#applyAdapter();
  }

  /** Call after the rows are gone. Resolves when nothing that was trained on one of them is in use or on disk. */
  async interactionsDeleted(ids: readonly string[]): Promise<readonly string[]> {
    const { record } = this.#runner;
    const gone = new Set(ids);
    const isGone = (id: string) => gone.has(id);
    if (record !== null && record.interactionIds?.some(isGone) !== false) await this.#runner.end("deleted");
    const revoked: string[] = [];
    for (const profileId of await this.#deps.store.profiles()) {
      const wish = await reconcileProfile(this.#deps, profileId, null, isGone, revoked);
      if (wish !== null) this.#chooser.wish(profileId, wish);
    }
    if (revoked.length > 0) this.#deps.log.info({ versions: revoked }, "adapters trained on a deleted row revoked");
    await this.#applyAdapter();
    this.#kick();
    return revoked;
  }

  /** Seals what an older key of the profile has sealed anew. Returns the number of files. */
  async reseal(profileId: string): Promise<number> {
    const { store, journal } = this.#deps;
    return (await store.reseal(profileId)) + (await journal.reseal(profileId));
  }

  /** Call after the profile is gone. Returns how many adapter versions were removed. */
  async profileForgotten(profileId: string): Promise<number> {
    this.#chooser.forget(profileId);
    if (this.#runner.record?.profileId === profileId) await this.#runner.end("forgotten");
    const removed = await this.#deps.store.forget(profileId);
    await this.#applyAdapter();
    return removed;
  }

  /**
   * Asks for a full job of the active profile now.
   * @throws AppError E_TRAINING_INELIGIBLE naming what stands in the way.
   */
  async trainNow(): Promise<void> {
    const profile = await this.#activeProfile();
    // The others are over in seconds: the full job comes after them.
    const isJobRunning = this.#runner.record !== null && tempoOf(this.#runner.record.kind) === "full";
    const situation = { ...this.#situation(), isJobRunning };
    const { eligible, reasons } = await this.#chooser.eligibility(profile, situation, true);
    if (profile === null || !eligible) {
      throw new AppError("E_TRAINING_INELIGIBLE", `training cannot begin: ${reasons.join(", ")}`, {
        details: { reasons: reasons.join(",") },
      });
    }
    this.#chooser.wish(profile.id, "full");
    this.#kick();
  }

  /** Ends the job that runs, or that was asked for just now, for good; false when there is none. */
  async cancel(): Promise<boolean> {
    await this.#ticks.waitForUnlock();
    const isRunning = this.#runner.record !== null;
    await this.#runner.end("cancelled");
    return isRunning;
  }

  /** Puts a version of the active profile into use. @throws AppError E_ADAPTER_UNKNOWN, E_ADAPTER_GONE, E_PROFILE_UNKNOWN. */
  async activate(version: string): Promise<void> {
    const profile = await this.#requireProfile();
    await this.#deps.updates.hold(async () => {
      await this.#deps.store.activate(profile.id, version);
      await this.#applyAdapter();
    });
  }

  /**
   * Back to the version before, or to none; returns what is in use then.
   * @throws AppError E_PROFILE_UNKNOWN, E_MODEL_NOT_READY.
   */
  async rollback(): Promise<string | null> {
    const profile = await this.#requireProfile();
    const base = this.#deps.base();
    if (base === null) throw new AppError("E_MODEL_NOT_READY", "no language model is loaded");
    await this.#deps.updates.hold(async () => {
      await this.#deps.store.rollback(profile.id, base.sha256);
      await this.#applyAdapter();
    });
    this.#bus.emit("rolledBack", { version: this.#inUse.version });
    return this.#inUse.version;
  }

  async status(): Promise<AdaptationStatus> {
    const profile = await this.#activeProfile();
    const { journal, budget } = this.#deps;
    return {
      profileId: profile?.id ?? null,
      eligibility: await this.#chooser.eligibility(profile, this.#situation(), false),
      newInteractions: profile === null ? 0 : await this.#chooser.newInteractions(profile.id),
      hold: this.#deps.hold(),
      job: this.#runner.record,
      lastFull: profile === null ? null : await journal.read(profile.id, "full"),
      lastMicro: profile === null ? null : await journal.read(profile.id, "micro"),
      adapter: this.#inUse.version,
      budget: budget(),
      isHeld: this.#trainer.isHeld,
    };
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
    this.#passOnBudget();
    const base = this.#deps.base();
    if (this.#isStopped || this.#isBusy || this.#runner.record !== null || base === null) return;
    const profiles = (await this.#deps.archive.list()).toSorted((a, b) => Number(b.isActive) - Number(a.isActive));
    for (const profile of profiles) {
      const next = await this.#chooser.next(profile, base, this.#situation());
      if (next === null || this.#isStopped) continue;
      this.#runner.begin(next, base);
      return;
    }
  }

  #passOnBudget(): void {
    const { duty, threads } = this.#deps.budget();
    this.#trainer.setLimits({ duty, threads: Math.max(1, threads) });
  }

  #situation(): Situation {
    const idleMs = this.#isBusy ? 0 : this.#deps.clock.monotonicMs() - this.#idleSinceMs;
    return { isJobRunning: this.#runner.record !== null, idleMs };
  }

  #jobEnded({ id, profileId, kind, state }: JobRecord, reason: EndReason | null): void {
    this.#bus.emit("jobEnded", { id, state, reason });
    // What a task adapter is made of says by itself that it is due again.
    if (reason === "yield" && kind !== "task") this.#chooser.wish(profileId, kind === "micro" ? "micro" : "resume");
    if (reason === "deleted" && kind !== "task") this.#chooser.wish(profileId, "rebuild");
    // The newest corrections are held out of a full job: they are learned on top of it.
    if (state === "active" && tempoOf(kind) === "full" && this.#config.microUpdates)
      this.#chooser.wish(profileId, "micro");
    this.#kick();
  }

  #endInBackground(reason: EndReason): void {
    this.#runner
      .end(reason)
      .catch((error: unknown) => this.#deps.log.error({ err: String(error) }, "a training job could not be ended"));
  }

  /** What was trained for another base model is trained again for this one. */
  async #applyAdapter(): Promise<void> {
    for (const profileId of await this.#inUse.apply()) this.#chooser.wish(profileId, "rebuild");
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
