import { AppError } from "../core/errors.ts";
import type { AudioFrame, SpeechToText, Transcript, Utterance } from "./ports.ts";
import type { SpeechWorker } from "./speech-worker-client.ts";

/** A recogniser whose engine was opened in a speech worker. The worker belongs to the caller. */
export class WorkerSpeechToText implements SpeechToText {
  readonly name: string;
  readonly #worker: SpeechWorker;
  #current: WorkerUtterance | null = null;

  constructor(name: string, worker: SpeechWorker) {
    this.name = name;
    this.#worker = worker;
  }

  begin(): Utterance {
    this.#current?.cancel();
    this.#current = new WorkerUtterance(this.#worker);
    return this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#current?.cancel();
  }
}

class WorkerUtterance implements Utterance {
  readonly #worker: SpeechWorker;
  #state: "open" | "finished" | "cancelled" = "open";

  constructor(worker: SpeechWorker) {
    this.#worker = worker;
    worker.post("stt_begin", null);
  }

  accept(frame: AudioFrame): void {
    if (this.#state === "open") this.#worker.post("stt_frame", frame);
  }

  async finish(): Promise<Transcript> {
    if (this.#state !== "open") throw new AppError("E_ABORTED", `the utterance is already ${this.#state}`);
    this.#state = "finished";
    return await this.#worker.call("stt_finish", null);
  }

  cancel(): void {
    if (this.#state !== "open") return;
    this.#state = "cancelled";
    this.#worker.post("stt_cancel", null);
  }
}
