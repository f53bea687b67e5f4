import type { Trainer, TrainerJob, TrainerRun, TrainerRunOptions } from "../../src/adapt/ports.ts";

/** {@link Trainer} that adds up the processor time of its runs. */
export class MeteredTrainer implements Trainer {
  /** Of all runs that ended well so far, all threads, seconds. */
  cpuSeconds = 0;
  readonly #trainer: Trainer;

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
  }

  run(job: TrainerJob, options?: TrainerRunOptions): TrainerRun {
    const run = this.#trainer.run(job, options);
    run.ended.then(
      (outcome) => {
        if (outcome.kind === "done") this.cpuSeconds += outcome.metrics.cpuSeconds;
      },
      () => {}, // the caller sees the failure
    );
    return run;
  }
}
