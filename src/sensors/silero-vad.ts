import type { AudioFrame, VoiceActivityDetector } from "./ports.ts";
import type { SpeechWorker } from "./speech-worker-client.ts";
import type { VadOptions } from "./speech-worker-protocol.ts";

/** Silero VAD v5 in a speech worker. The worker belongs to the caller. */
export class SileroVad implements VoiceActivityDetector {
  readonly #worker: SpeechWorker;

  private constructor(worker: SpeechWorker) {
    this.#worker = worker;
  }

  /** @throws AppError E_VAD_UNAVAILABLE, E_HEARING_WORKER. */
  static async open(worker: SpeechWorker, options: VadOptions): Promise<SileroVad> {
    await worker.call("open_vad", options);
    return new SileroVad(worker);
  }

  isSpeech(frame: AudioFrame): Promise<boolean> {
    return this.#worker.call("vad_frame", frame);
  }

  reset(): void {
    this.#worker.post("vad_reset", null);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
