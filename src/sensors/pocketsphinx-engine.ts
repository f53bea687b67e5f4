import { access } from "node:fs/promises";
import { AppError, systemErrorCode } from "../core/errors.ts";
import { PocketsphinxDecoder } from "./pocketsphinx-library.ts";
import { type AudioFrame, SAMPLE_RATE_HZ, type Transcript } from "./ports.ts";
import type { PocketsphinxOptions } from "./speech-worker-protocol.ts";
import type { SttEngine } from "./stt-engine.ts";

/** Words of the language model that are not speech. */
const FILLERS = /<s>|<\/s>|<sil>|\[[^\]]*\]|\+\+[^+]*\+\+/g;

/** An utterance may teach the decoder about microphone and room when it is this long and this sure. */
const LEARN_FROM_MS = 600;
const LEARN_FROM_CONFIDENCE = 0.01;

/**
 * Large-vocabulary decoding by pocketsphinx, while frames arrive; computes on the calling thread.
 *
 * INVARIANT: an utterance of noise leaves no trace. The decoder carries a running cepstral mean from one utterance to
 * the next; 160 ms of room noise were seen to turn the next sentence into nonsense. It is kept after good ones only.
 */
export class PocketsphinxEngine implements SttEngine {
  readonly #decoder: PocketsphinxDecoder;
  #isRunning = false;
  #heardMs = 0;
  #goodMean: Float32Array | null;

  private constructor(decoder: PocketsphinxDecoder) {
    this.#decoder = decoder;
    this.#goodMean = decoder.channelMean();
  }

  /** @throws AppError E_STT_UNAVAILABLE, naming the file that is missing. */
  static async open(options: PocketsphinxOptions): Promise<PocketsphinxEngine> {
    // pocketsphinx itself ends the process on some missing files
    for (const path of [options.acousticModelDir, options.dictionaryPath, options.languageModelPath]) {
      await access(path).catch((error: unknown) => {
        throw new AppError("E_STT_UNAVAILABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
          cause: error,
        });
      });
    }
    return new PocketsphinxEngine(
      new PocketsphinxDecoder({
        "-hmm": options.acousticModelDir,
        "-dict": options.dictionaryPath,
        "-lm": options.languageModelPath,
      }),
    );
  }

  begin(): void {
    this.cancel();
    this.#heardMs = 0;
    this.#decoder.start();
    this.#isRunning = true;
  }

  accept(frame: AudioFrame): void {
    this.#decoder.process(frame);
    this.#heardMs += (frame.length / SAMPLE_RATE_HZ) * 1000;
  }

  finish(): Transcript {
    this.#isRunning = false;
    this.#decoder.end();
    const result = this.#decoder.result();
    const text = spokenWords(result?.text ?? "");
    const confidence = text === "" ? null : (result?.confidence ?? null);
    const isGood = this.#heardMs >= LEARN_FROM_MS && (confidence ?? 0) >= LEARN_FROM_CONFIDENCE;
    if (isGood) this.#goodMean = this.#decoder.channelMean();
    else this.#forget();
    return { text, confidence };
  }

  cancel(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#decoder.end();
    this.#forget();
  }

  #forget(): void {
    if (this.#goodMean !== null) this.#decoder.restoreChannelMean(this.#goodMean);
  }

  close(): void {
    this.cancel();
    this.#decoder.close();
  }
}

/** A hypothesis as lower-case words: no fillers, no pronunciation numbers. */
export function spokenWords(hypothesis: string): string {
  return hypothesis
    .replace(FILLERS, " ")
    .replace(/\(\d+\)/g, "")
    .trim()
    .replace(/\s+/g, " ")
    .toLowerCase();
}
