import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Freezer, Trainer, TrainerJob, TrainerRun, TrainerRunOptions } from "./ports.ts";
import { CHILD_DEADLINES, type ChildDeadlines, type TrainerCommand } from "./trainer-child.ts";
import { SupervisedRun } from "./trainer-run.ts";

/** Waits before restart 1, 2, 3; after that the job has failed. */
const RESTART_DELAYS_MS: readonly number[] = [1_000, 4_000, 16_000];

export interface TrainerProcessOptions {
  /** @see trainerExecutable */
  readonly command: TrainerCommand;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly freezer: Freezer;
  /** Default {@link CHILD_DEADLINES}. */
  readonly deadlines?: Partial<ChildDeadlines>;
  /** Default 1, 4, 16 s. One entry per restart that a job may have. */
  readonly restartDelaysMs?: readonly number[];
}

/** {@link Trainer} by the native executable: one process per job, supervised (docs/trainer.md#supervision). */
export class TrainerProcess implements Trainer {
  readonly #options: TrainerProcessOptions;
  #current: TrainerRun | null = null;

  constructor(options: TrainerProcessOptions) {
    this.#options = options;
  }

  run(job: TrainerJob, options: TrainerRunOptions = {}): TrainerRun {
    if (this.#current) throw new AppError("E_TRAINER_BUSY", "the trainer already runs a job");
    const { deadlines, restartDelaysMs = RESTART_DELAYS_MS } = this.#options;
    const run = new SupervisedRun(
      { ...this.#options, deadlines: { ...CHILD_DEADLINES, ...deadlines }, restartDelaysMs },
      job,
      options,
    );
    this.#current = run;
    const forget = () => {
      this.#current = null;
    };
    run.ended.then(forget, forget);
    return run;
  }
}
