import { randomId } from "../core/ids.ts";
import type { ProfileListing } from "../profile/ports.ts";
import type { AdaptationConfig, AdaptationDeps } from "./adaptation-ports.ts";
import { type Eligibility, trainingEligibility } from "./eligibility.ts";
import { isJobOver } from "./job.ts";
import type { JobRecord } from "./job-journal.ts";
import { type BaseModel, MAX_INTERACTIONS } from "./job-world.ts";
import { untrainedCorrections } from "./micro-job.ts";

/** What was asked for besides what is due by itself. */
export type Wish = "micro" | "rebuild" | "full" | "resume";

export interface Situation {
  readonly isJobRunning: boolean;
  /** Since the last turn ended, monotonic; 0 during a turn. */
  readonly idleMs: number;
}

/** Decides which job comes next, and says what stands in the way of one. */
export class JobChooser {
  readonly #deps: AdaptationDeps;
  readonly #config: AdaptationConfig;
  readonly #wishes = new Map<string, Set<Wish>>();

  constructor(deps: AdaptationDeps, config: AdaptationConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  wish(profileId: string, wish: Wish): void {
    const wishes = this.#wishes.get(profileId) ?? new Set();
    wishes.add(wish);
    this.#wishes.set(profileId, wishes);
  }

  forget(profileId: string): void {
    this.#wishes.delete(profileId);
  }

  /** The next job of that profile, unfinished or new; null when none is due or may begin. Takes the wishes it grants. */
  async next(profile: ProfileListing, base: BaseModel, situation: Situation): Promise<JobRecord | null> {
    const wishes = this.#wishes.get(profile.id) ?? new Set<Wish>();
    return (
      (await this.#nextMicro(profile, base, situation, wishes)) ??
      (await this.#nextFull(profile, base, situation, wishes)) ??
      (await this.#nextTask(profile, base, situation))
    );
  }

  /** May a full job begin? @param isForced asked for: it need not be due. */
  async eligibility(profile: ProfileListing | null, situation: Situation, isForced: boolean): Promise<Eligibility> {
    return this.#eligibility(profile, situation, isForced, this.#config.policy.minInteractions);
  }

  /** Interactions that the last full job did not come to learn from. */
  async newInteractions(profileId: string): Promise<number> {
    const last = await this.#deps.journal.read(profileId, "full");
    const known = last === null || last.state === "failed" ? [] : (last.interactionIds ?? []);
    return await this.#deps.archive.interactionsOutside(profileId, known, MAX_INTERACTIONS);
  }

  async #nextMicro(profile: ProfileListing, base: BaseModel, situation: Situation, wishes: Set<Wish>) {
    if (!wishes.has("micro")) return null;
    if (!(await this.#eligibility(profile, situation, true, 1)).eligible) return null;
    wishes.delete("micro");
    const active = await this.#deps.store.active(profile.id, base.sha256);
    const interactions = await this.#deps.archive.interactions(profile.id, MAX_INTERACTIONS);
    if (untrainedCorrections(interactions, active).length === 0) return null;
    return this.#newRecord(profile.id, "micro", base);
  }

  async #nextFull(profile: ProfileListing, base: BaseModel, situation: Situation, wishes: Set<Wish>) {
    const isForced = wishes.has("full") || wishes.has("rebuild") || wishes.has("resume");
    if (!(await this.eligibility(profile, situation, isForced)).eligible) return null;
    const unfinished = await this.#deps.journal.read(profile.id, "full");
    const kind = wishes.has("rebuild") ? "rebuild" : "full";
    for (const wish of ["full", "rebuild", "resume"] as const) wishes.delete(wish);
    if (unfinished !== null && !isJobOver(unfinished.state) && unfinished.base === base.sha256) return unfinished;
    return this.#newRecord(profile.id, kind, base);
  }

  /** The first domain that was talked about enough and has no verdict over the version in use yet. */
  async #nextTask(profile: ProfileListing, base: BaseModel, situation: Situation): Promise<JobRecord | null> {
    const { archive, store, journal, clock, settings } = this.#deps;
    const { minInteractions, quietMs, minIntervalMs } = this.#config.policy;
    if (!this.#config.taskAdapters || situation.idleMs < quietMs) return null;
    if (!(await this.#eligibility(profile, situation, true, minInteractions)).eligible) return null;
    const last = await journal.read(profile.id, "task");
    // Measured already, and cut off before it came into use.
    if (last?.state === "staged" && last.base === base.sha256) return last;
    const general = await store.active(profile.id, base.sha256);
    if (general === null) return null;
    const counts = new Map<string, number>();
    for (const { domain } of await archive.interactions(profile.id, MAX_INTERACTIONS))
      counts.set(domain, (counts.get(domain) ?? 0) + 1);
    const isFresh = last !== null && Math.abs(clock.now() - last.createdAtMs) < minIntervalMs;
    const judged = new Set(isFresh && last.state === "failed" ? [last.domain] : []);
    for (const { manifest } of await store.list(profile.id, base.sha256))
      if (manifest.parent === general.version) judged.add(manifest.domain);
    const due = [...counts].find(
      ([domain, count]) => domain !== "other" && count >= settings.task.minInteractions && !judged.has(domain),
    );
    return due === undefined ? null : this.#newRecord(profile.id, "task", base, due[0]);
  }

  async #eligibility(
    profile: ProfileListing | null,
    { isJobRunning, idleMs }: Situation,
    isForced: boolean,
    minInteractions: number,
  ): Promise<Eligibility> {
    const { clock, journal, budget } = this.#deps;
    const base = this.#deps.base();
    const last = profile === null ? null : await journal.read(profile.id, "full");
    const sinceMs = last === null ? null : clock.now() - last.createdAtMs;
    return trainingEligibility(
      {
        hold: this.#deps.hold(),
        consent: profile?.consent ?? { store: false, train: false },
        newInteractions: profile === null ? 0 : await this.newInteractions(profile.id),
        interactions: profile?.interactionCount ?? 0,
        budget: budget(),
        idleMs,
        // In the future: the clock was set back.
        sinceLastAttemptMs: sinceMs === null || sinceMs < 0 ? null : sinceMs,
        isModelReady: base !== null,
        isTrainable: base?.isTrainable ?? false,
        isJobRunning,
        isForced,
      },
      { ...this.#config.policy, minInteractions },
    );
  }

  #newRecord(profileId: string, kind: JobRecord["kind"], base: BaseModel, domain: string | null = null): JobRecord {
    return {
      v: 1,
      id: randomId("j"),
      profileId,
      kind,
      domain,
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
}
