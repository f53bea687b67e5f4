import { AppError, isAppError, toAppError } from "../core/errors.ts";
import { collectGarbage } from "../core/free-memory.ts";
import type { AdaptationConfig, AdaptationDeps, AdaptationEvents } from "./adaptation-ports.ts";
import { BaseLosses } from "./base-losses.ts";
import { runFullJob } from "./full-job.ts";
import { type JobTempo, tempoOf } from "./job.ts";
import type { EndReason } from "./job-end.ts";
import type { JobRecord } from "./job-journal.ts";
import type { BaseModel, JobWorld } from "./job-world.ts";
import { runMicroJob } from "./micro-job.ts";
import type { Trainer, TrainerEvent } from "./ports.ts";
import { runTaskJob } from "./task-job.ts";

export interface JobRunnerEvents {
  onJob(job: AdaptationEvents["job"]): void;
  onTrainer(event: TrainerEvent): void;
  /** A version was made active in the store. */
  onPromoted(record: JobRecord): Promise<void>;
  /** The job is over, or made way. Called once per job, after everything is written down. */
  onEnd(record: JobRecord, reason: EndReason | null): void;
}

interface RunningJob {
  record: JobRecord;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

const RUN: Readonly<Record<JobTempo, (world: JobWorld, record: JobRecord) => Promise<JobRecord>>> = {
  full: runFullJob,
  micro: runMicroJob,
  task: runTaskJob,
};

/** Runs one job at a time from its record to its end, and writes down how it ended. */
export class JobRunner {
  readonly #deps: AdaptationDeps;
  readonly #config: AdaptationConfig;
  readonly #trainer: Trainer;
  readonly #events: JobRunnerEvents;
  #running: RunningJob | null = null;
  #baseLosses: BaseLosses | null = null;

  constructor(deps: AdaptationDeps, config: AdaptationConfig, trainer: Trainer, events: JobRunnerEvents) {
    this.#deps = deps;
    this.#config = config;
    this.#trainer = trainer;
    this.#events = events;
  }

  /** The job under way, as far as it is written down. */
  get record(): JobRecord | null {
    return this.#running?.record ?? null;
  }

  begin(record: JobRecord, base: BaseModel): void {
    if (this.#running !== null) throw new AppError("E_TRAINER_BUSY", "a training job is under way");
    const running: RunningJob = {
      record,
      controller: new AbortController(),
      ended: Promise.resolve().then(() => this.#run(running, base)),
    };
    this.#running = running;
  }

  /** Ends the job; resolves when it has ended. Does nothing without one. */
  async end(reason: EndReason): Promise<void> {
    const running = this.#running;
    running?.controller.abort(reason);
    await running?.ended;
  }

  /** Never rejects. */
  async #run(running: RunningJob, base: BaseModel): Promise<void> {
    const { log, onTraining } = this.#deps;
    onTraining(true);
    try {
      if (running.record.state !== "staged") running.record = await this.#work(running, base);
      if (running.record.state === "staged") await this.#swap(running);
      else log.info({ job: running.record.id, reasons: running.record.gate?.reasons }, "candidate refused by the gate");
    } catch (error) {
      await this.#writeDown(running, error).catch((thrown: unknown) =>
        log.error({ err: String(thrown) }, "the end of a job could not be written down"),
      );
    } finally {
      // Examples, an encoder and a swapped model are garbage now, and the idle service would keep it.
      collectGarbage();
      this.#running = null;
      onTraining(false);
      this.#events.onEnd(running.record, reasonOf(running));
    }
  }

  #work(running: RunningJob, base: BaseModel): Promise<JobRecord> {
    const { threads } = this.#deps.budget();
    if (this.#baseLosses?.baseSha256 !== base.sha256) this.#baseLosses = new BaseLosses(base.sha256);
    const world: JobWorld = {
      ...this.#deps,
      trainer: this.#trainer,
      base,
      baseLosses: this.#baseLosses,
      threads: Math.max(1, threads),
      seed: this.#config.seed,
      signal: running.controller.signal,
      onRecord: (record) => this.#show(running, record),
      onTrainerEvent: (event) => this.#events.onTrainer(event),
    };
    return RUN[tempoOf(running.record.kind)](world, running.record);
  }

  async #swap(running: RunningJob): Promise<void> {
    await this.#deps.updates.hold(() => this.#promote(running), running.controller.signal);
  }

  async #promote(running: RunningJob): Promise<void> {
    const { store, journal, alert } = this.#deps;
    const { record } = running;
    running.controller.signal.throwIfAborted();
    if (record.version === null) throw new AppError("E_INTERNAL", "a staged job has no version");
    await store.activate(record.profileId, record.version);
    alert("E_DISK_FULL", null);
    alert("E_TRAINER_MISSING", null);
    await this.#events.onPromoted(record);
    const active: JobRecord = { ...record, state: "active" };
    await journal.write(active);
    this.#show(running, active);
    await store.prune(record.profileId, this.#config.keepVersions);
  }

  async #writeDown(running: RunningJob, thrown: unknown): Promise<void> {
    const { journal, log, alert } = this.#deps;
    const { record } = running;
    const reason = reasonOf(running);
    if (reason === "forgotten") return;
    if (reason === "yield" || reason === "shutdown") {
      // What it came to is in the journal already; only the state of a job that runs must not stay.
      const isKept = record.state === "evaluating" || record.state === "staged";
      await journal.write({ ...record, state: isKept ? record.state : "waiting" });
      return;
    }
    if (tempoOf(record.kind) === "full") await journal.dropKept(record.profileId);
    const error = isAppError(thrown) ? thrown : toAppError(thrown, "E_INTERNAL", "a training job failed");
    const failed: JobRecord = { ...record, state: "failed", failure: reason ?? error.code };
    this.#show(running, failed);
    if (reason === null) {
      log.warn({ job: record.id, code: error.code, err: String(thrown) }, "training job failed");
      if (error.code === "E_DISK_FULL" || error.code === "E_TRAINER_MISSING") alert(error.code, error.message);
    }
    await journal.write(failed);
  }

  #show(running: RunningJob, record: JobRecord): void {
    const hasChanged = running.record.state !== record.state;
    running.record = record;
    const { id, profileId, kind, state } = record;
    if (hasChanged) this.#events.onJob({ id, profileId, kind, state });
  }
}

function reasonOf({ controller }: RunningJob): EndReason | null {
  return controller.signal.aborted ? (controller.signal.reason as EndReason) : null;
}
