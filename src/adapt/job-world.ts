import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ProfileArchive, SentenceEmbedder } from "../profile/ports.ts";
import type { AdapterStore } from "./adapter-store.ts";
import type { BaseLosses } from "./base-losses.ts";
import type { ComposePrompt } from "./examples.ts";
import type { GeneralText } from "./general-text.ts";
import type { JobJournal, JobRecord } from "./job-journal.ts";
import type { ProbeSet } from "./monitor/probe-set.ts";
import type { Trainer, TrainerEvent, TrainerPlan, TrainingTextEncoder } from "./ports.ts";
import type { TrainingSettings } from "./training-settings.ts";

/** The model that answers and is adapted. */
export interface BaseModel {
  /** GGUF. */
  readonly path: string;
  readonly sha256: string;
  readonly name: string;
  /** False for architectures that the trainer does not know. */
  readonly isTrainable: boolean;
}

/** Everything a job needs from outside. */
export interface JobWorld {
  readonly clock: Clock;
  readonly log: Logger;
  readonly archive: Pick<ProfileArchive, "interactions">;
  readonly store: AdapterStore;
  readonly journal: JobJournal;
  readonly trainer: Trainer;
  readonly embedder: SentenceEmbedder;
  readonly settings: TrainingSettings;
  readonly seed: number;
  readonly base: BaseModel;
  /** Of that base; outlives the job. */
  readonly baseLosses: BaseLosses;
  readonly threads: number;
  /** On tmpfs; a job makes a folder of its own in it and removes it. */
  readonly workFolder: string;
  readonly compose: ComposePrompt;
  readonly signal: AbortSignal;
  general(): Promise<GeneralText>;
  /** Of the safety monitor. */
  probes(): Promise<ProbeSet>;
  /** The caller disposes. */
  openEncoder(): Promise<TrainingTextEncoder>;
  /** Adapter for that base to begin from; null = zero. */
  warmStart(): Promise<string | null>;
  /** The record changed and is on disk. */
  onRecord(record: JobRecord): void;
  onTrainerEvent(event: TrainerEvent): void;
}

/** Newest interactions that a job looks at. */
export const MAX_INTERACTIONS = 5_000;

/** What of a plan belongs to the lineage of an adapter. */
export function planFacts(plan: TrainerPlan | null): JobRecordPlan {
  if (plan === null) return null;
  const { backend, device, kernels, backward } = plan;
  return { backend, device, kernels, backward };
}

type JobRecordPlan = NonNullable<JobRecord["candidate"]>["plan"];
