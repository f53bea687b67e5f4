import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { AudioFrame, VoiceActivityDetector } from "./ports.ts";
import { SpeechWorker } from "./speech-worker-client.ts";
import type { VadOptions } from "./speech-worker-protocol.ts";

export interface SileroVadOptions extends VadOptions {
  /** Unused for this long, ms, the detector gives its memory back. */
  readonly releaseAfterMs: number;
}

/**
 * Silero VAD v5 in a process of its own, which lives only while there is something to hear: onnxruntime takes 33 MB.
 * The first frame opens it (0.2 s on x86), and frames wait for that, so that none is lost. A process rather than a
 * thread: Node 24 does not unmap a native library when the thread that loaded it ends.
 *
 * INVARIANTS: `#opening` belongs to `#worker`. Nothing is released while a frame waits for its answer.
 */
export class SileroVad implements VoiceActivityDetector {
  readonly #options: SileroVadOptions;
  readonly #clock: Clock;
  #worker: SpeechWorker | null = null;
  #opening: Promise<unknown> = Promise.resolve();
  #uses = 0;
  #lastUsedMs = 0;
  #cancelRelease = () => {};
  #isDisposed = false;

  /** Opens nothing yet. */
  constructor(options: SileroVadOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Opens the detector and releases it again, so that one that cannot be used is known before anybody speaks.
   * @throws AppError E_VAD_UNAVAILABLE, E_HEARING_WORKER, E_ABORTED once disposed.
   */
  async check(): Promise<void> {
    this.#uses++;
    try {
      this.#open();
      await this.#opening;
    } finally {
      this.#uses--;
      await this.#release();
    }
  }

  /** @throws AppError E_VAD_UNAVAILABLE, E_HEARING_WORKER, E_ABORTED once disposed. */
  async isSpeech(frame: AudioFrame): Promise<boolean> {
    this.#lastUsedMs = this.#clock.monotonicMs();
    this.#uses++;
    try {
      const worker = this.#open();
      await this.#opening;
      return await worker.call("vad_frame", frame);
    } finally {
      this.#uses--;
    }
  }

  reset(): void {
    const worker = this.#worker;
    if (worker === null) return; // the next one begins afresh anyway
    this.#opening.then(
      () => worker.post("vad_reset", null),
      () => {},
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#release();
  }

  #open(): SpeechWorker {
    if (this.#isDisposed) throw new AppError("E_ABORTED", "hearing was stopped");
    if (this.#worker !== null) return this.#worker;
    const worker = new SpeechWorker("process");
    const { modelPath, threshold } = this.#options;
    this.#worker = worker;
    this.#opening = worker.call("open_vad", { modelPath, threshold });
    this.#opening.catch(() => {}); // whoever waits for it is told
    this.#releaseWhenUnused(this.#options.releaseAfterMs);
    return worker;
  }

  #releaseWhenUnused(waitMs: number): void {
    this.#cancelRelease = this.#clock.after(waitMs, () => {
      const unusedMs = this.#clock.monotonicMs() - this.#lastUsedMs;
      if (this.#uses === 0 && unusedMs >= this.#options.releaseAfterMs) void this.#release();
      else this.#releaseWhenUnused(Math.max(1_000, this.#options.releaseAfterMs - unusedMs));
    });
  }

  async #release(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    this.#cancelRelease();
    await worker[Symbol.asyncDispose]();
  }
}
