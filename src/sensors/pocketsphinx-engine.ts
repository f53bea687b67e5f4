import { access } from "node:fs/promises";
import { AppError, systemErrorCode } from "../core/errors.ts";
import { PocketsphinxDecoder } from "./pocketsphinx-library.ts";
import type { AudioFrame, Transcript } from "./ports.ts";
import type { PocketsphinxOptions } from "./speech-worker-protocol.ts";
import type { SttEngine } from "./stt-engine.ts";

/** Words of the language model that are not speech. */
const FILLERS = /<s>|<\/s>|<sil>|\[[^\]]*\]|\+\+[^+]*\+\+/g;

/** Large-vocabulary decoding by pocketsphinx, while frames arrive; computes on the calling thread. */
export class PocketsphinxEngine implements SttEngine {
  readonly #decoder: PocketsphinxDecoder;
  #isRunning = false;

  private constructor(decoder: PocketsphinxDecoder) {
    this.#decoder = decoder;
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
    this.#decoder.start();
    this.#isRunning = true;
  }

  accept(frame: AudioFrame): void {
    this.#decoder.process(frame);
  }

  finish(): Transcript {
    this.#isRunning = false;
    this.#decoder.end();
    const result = this.#decoder.result();
    if (result === null) return { text: "", confidence: null };
    return { text: spokenWords(result.text), confidence: result.confidence };
  }

  cancel(): void {
    if (this.#isRunning) this.#decoder.end();
    this.#isRunning = false;
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
