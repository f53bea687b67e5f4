import type { AdaptationService } from "../../adapt/adaptation-service.ts";
import type { TrainerEvent, TrainerProgress } from "../../adapt/ports.ts";
import type { Clock } from "../../core/clock.ts";
import type { TrainingMetricsPayload } from "../mqtt/learning-payloads.ts";

/** How far the pass under way is. */
export interface PassProgress {
  readonly progressPct: number | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly loss: number | null;
  readonly etaS: number | null;
}

const NO_PASS: PassProgress = { progressPct: null, step: null, steps: null, loss: null, etaS: null };
/** Weight of the newest step in the moving average of what a step takes. */
const NEWEST = 0.2;

/** Follows the trainer's events: progress of the pass, time left, and how often its process had to be started again. */
export class TrainingProgress {
  readonly #clock: Clock;
  readonly #onStep: (metrics: TrainingMetricsPayload) => void;
  #jobId: string | null = null;
  #isPass = false;
  #pass = NO_PASS;
  #lastStepAtMs: number | null = null;
  #stepMs: number | null = null;
  #restarts = 0;

  constructor(clock: Clock, onStep: (metrics: TrainingMetricsPayload) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
  }

  get pass(): PassProgress {
    return this.#pass;
  }

  /** Trainer processes that died and were started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Returns what stops it. @param onChange called when there is something new to show. */
  follow(adaptation: Pick<AdaptationService, "on">, onChange: () => void): () => void {
    const stops = [
      adaptation.on("job", ({ id }) => {
        if (id !== this.#jobId) this.#endPass();
        this.#jobId = id;
      }),
      adaptation.on("jobEnded", () => {
        this.#endPass();
        this.#jobId = null;
        onChange();
      }),
      adaptation.on("trainer", (event) => {
        this.#take(event);
        if (event.kind !== "result") onChange();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  #take(event: TrainerEvent): void {
    if (event.kind === "restarted") this.#restarts += 1;
    if (event.kind === "plan") {
      this.#endPass();
      this.#isPass = event.plan.mode === "train";
      if (this.#isPass) this.#pass = passOf(event.plan.firstStep, event.plan.steps, null, null);
    }
    if (event.kind === "progress" && this.#isPass) this.#step(event.progress);
  }

  #step(progress: TrainerProgress): void {
    const { step, steps, loss, lr, tokensPerS, rssMb } = progress;
    const nowMs = this.#clock.monotonicMs();
    if (this.#lastStepAtMs !== null) {
      const tookMs = nowMs - this.#lastStepAtMs;
      this.#stepMs = this.#stepMs === null ? tookMs : this.#stepMs * (1 - NEWEST) + tookMs * NEWEST;
    }
    this.#lastStepAtMs = nowMs;
    this.#pass = passOf(step, steps, loss, this.#stepMs);
    if (this.#jobId === null) return;
    this.#onStep({ job: this.#jobId, step, steps, loss, lr, tokensPerS, rssMb: Math.round(rssMb) });
  }

  #endPass(): void {
    this.#isPass = false;
    this.#pass = NO_PASS;
    this.#lastStepAtMs = null;
    this.#stepMs = null;
  }
}

function passOf(step: number, steps: number, loss: number | null, stepMs: number | null): PassProgress {
  const share = steps <= 0 ? 0 : Math.min(1, step / steps);
  return {
    progressPct: Math.round(share * 1000) / 10,
    step,
    steps,
    loss,
    etaS: stepMs === null ? null : Math.round((Math.max(0, steps - step) * stepMs) / 1000),
  };
}
