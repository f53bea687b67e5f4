import type { ErrorCode } from "../core/errors.ts";
import type { UpdateLock } from "../core/update-lock.ts";
import type { ProfileArchive } from "../profile/ports.ts";
import type { Eligibility, EligibilityPolicy, TrainingBudget, TrainingHold } from "./eligibility.ts";
import type { JobState } from "./job.ts";
import type { EndReason } from "./job-end.ts";
import type { JobRecord } from "./job-journal.ts";
import type { BaseModel, JobWorld } from "./job-world.ts";
import type { TrainerEvent } from "./ports.ts";

export interface AdaptationConfig {
  readonly policy: EligibilityPolicy;
  /** Learn at once from explicit corrections. */
  readonly microUpdates: boolean;
  /** An adapter of its own for each domain that was talked about enough. */
  readonly taskAdapters: boolean;
  /** How often eligibility is looked at, ms. */
  readonly checkMs: number;
  /** After a turn, before training goes on, ms. */
  readonly graceMs: number;
  /** Versions whose weights are kept besides the ones in use. */
  readonly keepVersions: number;
  readonly seed: number;
}

export interface AdaptationDeps
  extends Omit<
    JobWorld,
    "archive" | "base" | "baseLosses" | "signal" | "seed" | "threads" | "onRecord" | "onTrainerEvent"
  > {
  readonly archive: Pick<ProfileArchive, "list" | "interactions" | "interactionIds" | "interactionsOutside">;
  /** Null while no model is loaded. */
  base(): BaseModel | null;
  budget(): TrainingBudget;
  /** Null = training goes on as consent and budget allow. */
  hold(): TrainingHold | null;
  /** Makes the assistant answer with this adapter, or with none, from the next answer on. */
  useAdapter(path: string | null): Promise<void>;
  /** Held while the adapter in use changes. */
  readonly updates: UpdateLock;
  /** A lasting condition to tell of; null = it is over. */
  alert(code: ErrorCode, message: string | null): void;
  /** A job begins or ends. */
  onTraining(isTraining: boolean): void;
}

export interface AdaptationEvents {
  job: { readonly id: string; readonly profileId: string; readonly kind: JobRecord["kind"]; readonly state: JobState };
  /** It is over or made way; `reason` says why when it was ended from outside. The last event of a job. */
  jobEnded: { readonly id: string; readonly state: JobState; readonly reason: EndReason | null };
  trainer: TrainerEvent;
  /** Its owner went back to what was in use before. */
  rolledBack: { readonly version: string | null };
  adapter: { readonly profileId: string | null; readonly version: string | null };
}

/** What training is doing and what stands in its way. */
export interface AdaptationStatus {
  readonly profileId: string | null;
  readonly eligibility: Eligibility;
  readonly newInteractions: number;
  readonly hold: TrainingHold | null;
  readonly job: JobRecord | null;
  readonly lastFull: JobRecord | null;
  readonly lastMicro: JobRecord | null;
  readonly adapter: string | null;
  readonly budget: TrainingBudget;
  /** True while the trainer stands still for a turn. */
  readonly isHeld: boolean;
}
