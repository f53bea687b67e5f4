import type { TrainerProgress } from "../adapt/ports.ts";

/** Steps whose mean time the estimate of the rest is made from. */
const WINDOW = 10;
const BAR_CELLS = 24;

/** What a person sees while a job runs: one line that is written over on a terminal, a line per 10 % elsewhere. */
export class TrainProgressLine {
  readonly #write: (text: string) => void;
  readonly #isTerminal: boolean;
  #stepMs: number[] = [];
  #reportedTenths = -1;
  #isOpen = false;

  /** @param write takes text as it is, e.g. `process.stderr.write`. */
  constructor(write: (text: string) => void, isTerminal: boolean) {
    this.#write = write;
    this.#isTerminal = isTerminal;
  }

  show(what: string, progress: TrainerProgress): void {
    this.#stepMs = [...this.#stepMs, progress.stepMs].slice(-WINDOW);
    const tenths = Math.floor((10 * progress.step) / Math.max(1, progress.steps));
    if (this.#isTerminal) {
      this.#write(`\r\u001b[K${progressText(what, progress, this.#restS(progress))}`);
      this.#isOpen = true;
    } else if (tenths !== this.#reportedTenths) {
      this.#reportedTenths = tenths;
      this.#write(`${progressText(what, progress, this.#restS(progress))}\n`);
    }
  }

  /** A whole line, above the bar. */
  note(text: string): void {
    this.end();
    this.#write(`${text}\n`);
  }

  /** Leaves the last state standing and starts anew. */
  end(): void {
    if (this.#isOpen) this.#write("\n");
    this.#isOpen = false;
    this.#stepMs = [];
    this.#reportedTenths = -1;
  }

  #restS({ step, steps }: TrainerProgress): number {
    const meanMs = this.#stepMs.reduce((sum, ms) => sum + ms, 0) / Math.max(1, this.#stepMs.length);
    return ((steps - step) * meanMs) / 1000;
  }
}

/** e.g. `train [######------------------]   30/120  loss 2.314  lr 2.0e-4  187 tok/s  412 MB  1m 20s left`. */
export function progressText(what: string, progress: TrainerProgress, restS: number): string {
  const { step, steps, loss, lr, tokensPerS, rssMb } = progress;
  const full = Math.round(BAR_CELLS * Math.min(1, step / Math.max(1, steps)));
  const bar = "#".repeat(full) + "-".repeat(BAR_CELLS - full);
  const parts = [
    `${what} [${bar}] ${String(step).padStart(String(steps).length)}/${steps}`,
    ...(loss === null ? [] : [`loss ${loss.toFixed(3)}`]),
    ...(lr === null ? [] : [`lr ${lr.toExponential(1)}`]),
    `${Math.round(tokensPerS)} tok/s`,
    `${Math.round(rssMb)} MB`,
    ...(step < steps ? [`${durationText(restS)} left`] : []),
  ];
  return parts.join("  ");
}

/** `8s`, `1m 20s`, `3h 05m`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
}
