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
 * Below this posterior the general model has a look too. Measured on flite voices: 95 % of commands understood exactly
 * lie above 0.05, 90 % of open talk below 0.04.
 */
const SECOND_LOOK_CONFIDENCE = 0.06;

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
  readonly #options: PocketsphinxOptions;
  #openTalk: PocketsphinxDecoder | null = null;
  #startMean: Float32Array | null = null;
  /** The utterance so far, for a second look; empty when there will be none. */
  #frames: AudioFrame[] = [];

  private constructor(decoder: PocketsphinxDecoder, options: PocketsphinxOptions) {
    this.#decoder = decoder;
    this.#options = options;
    this.#goodMean = decoder.channelMean();
  }

  /** @throws AppError E_STT_UNAVAILABLE, naming the file that is missing. */
  static async open(options: PocketsphinxOptions): Promise<PocketsphinxEngine> {
    // pocketsphinx itself ends the process on some missing files
    const { acousticModelDir, openTalk } = options;
    const models = openTalk === null ? [options] : [options, openTalk];
    for (const path of [acousticModelDir, ...models.flatMap((m) => [m.dictionaryPath, m.languageModelPath])]) {
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
      options,
    );
  }

  begin(): void {
    this.cancel();
    this.#heardMs = 0;
    this.#frames = [];
    this.#startMean = this.#goodMean;
    this.#decoder.start();
    this.#isRunning = true;
  }

  accept(frame: AudioFrame): void {
    this.#decoder.process(frame);
    if (this.#options.openTalk !== null) this.#frames.push(frame);
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
    const isDoubtful = text !== "" && (confidence ?? 0) < SECOND_LOOK_CONFIDENCE;
    const other = isDoubtful ? this.#secondLook() : null;
    if (other === null || other.score <= (result?.score ?? 0)) return { text, confidence };
    return { text: other.text, confidence: other.confidence };
  }

  /**
   * Decodes the utterance again with the general model, from the same channel mean, so that the scores of both can be
   * compared: the likelier one wins. Null when there is no such model or it hears nothing.
   */
  #secondLook(): (Transcript & { readonly score: number }) | null {
    const { acousticModelDir, openTalk } = this.#options;
    if (openTalk === null) return null;
    this.#openTalk ??= new PocketsphinxDecoder({
      "-hmm": acousticModelDir,
      "-dict": openTalk.dictionaryPath,
      "-lm": openTalk.languageModelPath,
    });
    if (this.#startMean !== null) this.#openTalk.restoreChannelMean(this.#startMean);
    this.#openTalk.start();
    for (const frame of this.#frames) this.#openTalk.process(frame);
    this.#openTalk.end();
    const result = this.#openTalk.result();
    const text = spokenWords(result?.text ?? "");
    return result === null || text === "" ? null : { ...result, text };
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
    this.#openTalk?.close();
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
