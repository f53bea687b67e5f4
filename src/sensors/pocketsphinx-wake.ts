import type { AudioFrame, WakeHit, WakeWordDetector } from "./ports.ts";
import type { SpeechWorker } from "./speech-worker-client.ts";
import type { WakeOptions } from "./speech-worker-protocol.ts";

/** pocketsphinx keyphrase search in a speech worker. The worker belongs to the caller. */
export class PocketsphinxWake implements WakeWordDetector {
  readonly phrase: string;
  readonly #worker: SpeechWorker;

  private constructor(worker: SpeechWorker, phrase: string) {
    this.#worker = worker;
    this.phrase = phrase;
  }

  /** @throws AppError E_WAKE_PHRASE (a word the dictionary lacks, too short), E_STT_UNAVAILABLE, E_HEARING_WORKER. */
  static async open(worker: SpeechWorker, options: WakeOptions): Promise<PocketsphinxWake> {
    await worker.call("open_wake", options);
    return new PocketsphinxWake(worker, options.phrase);
  }

  accept(frame: AudioFrame): Promise<WakeHit | null> {
    return this.#worker.call("wake_frame", frame);
  }

  reset(): void {
    this.#worker.post("wake_reset", null);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
