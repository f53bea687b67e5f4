import type { Logger } from "../core/logger.ts";
import type { Trainer, TrainerJob, TrainerLimits, TrainerRun, TrainerRunOptions } from "./ports.ts";

/**
 * A trainer whose runs stand still while it is held: runs that are under way are frozen, new ones begin frozen. Limits
 * hold for every run from then on.
 */
export class PreemptibleTrainer implements Trainer {
  readonly #inner: Trainer;
  readonly #logger: Logger;
  #run: TrainerRun | null = null;
  #isHeld = false;
  #limits: TrainerLimits | null = null;

  constructor(inner: Trainer, logger: Logger) {
    this.#inner = inner;
    this.#logger = logger;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  run(job: TrainerJob, options: TrainerRunOptions = {}): TrainerRun {
    const run = this.#inner.run(job, this.#limits === null ? options : { ...options, limits: this.#limits });
    this.#run = run;
    const forget = () => {
      if (this.#run === run) this.#run = null;
    };
    run.ended.then(forget, forget);
    if (this.#isHeld) this.#order(run.freeze());
    return run;
  }

  /** Takes the CPU away at once. May be called twice. */
  hold(): void {
    this.#isHeld = true;
    if (this.#run !== null) this.#order(this.#run.freeze());
  }

  release(): void {
    this.#isHeld = false;
    if (this.#run !== null) this.#order(this.#run.thaw());
  }

  setLimits(limits: TrainerLimits): void {
    if (this.#limits?.threads === limits.threads && this.#limits.duty === limits.duty) return;
    this.#limits = limits;
    this.#run?.setLimits(limits);
  }

  #order(given: Promise<void>): void {
    given.catch((error: unknown) => this.#logger.error({ err: String(error) }, "the trainer could not be held"));
  }
}
