import type { TrainingEvent } from "../mqtt/learning-payloads.ts";

/** Which of training's changes are told as events, each once. */
export class TrainingEvents {
  readonly #tell: (eventType: TrainingEvent["eventType"], job: string | null) => void;
  #running: string | null = null;
  /** A job that made way and goes on later. */
  #unfinished: string | null = null;
  #isHeld = false;

  constructor(tell: (eventType: TrainingEvent["eventType"], job: string | null) => void) {
    this.#tell = tell;
  }

  /** @param end how it ended; null while it runs. */
  job(id: string, end: "finished" | "failed" | null): void {
    if (this.#running !== id && end === null) this.#tell(this.#unfinished === id ? "resumed" : "started", id);
    this.#running = id;
    this.#unfinished = null;
    if (end !== null) this.#tell(end, id);
  }

  /** @param isOver false when it will go on later. */
  jobEnded(isOver: boolean): void {
    this.#unfinished = isOver ? null : this.#running;
    this.#running = null;
  }

  /** Owner or board hold training back. A job that made way for that is told of when it really goes on. */
  held(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (this.#running !== null) this.#tell(isHeld ? "paused" : "resumed", this.#running);
  }

  rolledBack(): void {
    this.#tell("rolled_back", null);
  }
}
