import { AppError } from "../core/errors.ts";
import { PocketsphinxDecoder } from "./pocketsphinx-library.ts";
import { type AudioFrame, SAMPLE_RATE_HZ, type WakeHit } from "./ports.ts";
import { pronunciations } from "./pronunciation-dictionary.ts";
import type { WakeOptions } from "./speech-worker-protocol.ts";

/** A one-word phrase of few sounds is in every other sentence; four phones a second word are the practical minimum. */
const MIN_PHONES = 6;

/** 10 ms frames pocketsphinx waits for a better ending before it reports; its default of 10 costs 70 ms more. */
const KEYPHRASE_DELAY_FRAMES = "3";

/**
 * While the phrase's last sound is spoken the search replaces its end by better ones, and reports nothing in between.
 * An end that stayed for this many frames of 32 ms is taken as the last: none that was replaced had stayed for more
 * than five (flite's voices).
 */
const SETTLED_FRAMES = 7;
/** Whatever the search thinks by then is the end. */
const LONGEST_SETTLING_FRAMES = 20;

/** pocketsphinx keyphrase search over a dictionary of the phrase's words only; computes on the calling thread. */
export class WakeEngine {
  readonly #decoder: PocketsphinxDecoder;
  #isRunning = false;
  #samplesHeard = 0;
  /** The phrase since it was recognised: its end as far as known, for how many frames that has stayed, and all frames. */
  #found: { endMs: number; unchanged: number; frames: number } | null = null;

  private constructor(decoder: PocketsphinxDecoder) {
    this.#decoder = decoder;
  }

  /** @throws AppError E_WAKE_PHRASE (empty, unknown word, too short), E_STT_UNAVAILABLE. */
  static async open(options: WakeOptions): Promise<WakeEngine> {
    const words = phraseWords(options.phrase);
    const known = await pronunciations(options.dictionaryPath, words);
    const missing = words.filter((word) => !known.has(word));
    if (missing.length > 0) {
      throw new AppError("E_WAKE_PHRASE", `the dictionary cannot pronounce: ${missing.join(", ")}`);
    }
    const phones = words.reduce((sum, word) => sum + (known.get(word)?.[0]?.split(/\s+/).length ?? 0), 0);
    if (phones < MIN_PHONES) {
      throw new AppError(
        "E_WAKE_PHRASE",
        `the wake phrase has ${phones} sounds; ${MIN_PHONES} or more keep it from firing by chance`,
      );
    }
    const decoder = new PocketsphinxDecoder({
      "-hmm": options.acousticModelDir,
      "-dict": "/dev/null",
      "-kws_threshold": options.threshold.toExponential(),
      "-kws_delay": KEYPHRASE_DELAY_FRAMES,
    });
    for (const [word, alternatives] of known) {
      alternatives.forEach((sounds, i) => {
        decoder.addWord(i === 0 ? word : `${word}(${i + 1})`, sounds);
      });
    }
    decoder.searchKeyphrase(words.join(" "));
    return new WakeEngine(decoder);
  }

  accept(frame: AudioFrame): WakeHit | null {
    if (!this.#isRunning) {
      this.#decoder.startStream();
      this.#decoder.start();
      this.#isRunning = true;
      this.#samplesHeard = 0;
    }
    this.#decoder.process(frame);
    this.#samplesHeard += frame.length;
    const endMs = this.#decoder.result() === null ? null : this.#decoder.lastSegmentEndMs();
    if (this.#found === null) {
      if (endMs === null) return null;
      this.#found = { endMs, unchanged: 0, frames: 0 };
      return { event: "recognised" };
    }
    return this.#settle(this.#found, endMs);
  }

  reset(): void {
    if (this.#isRunning) this.#decoder.end();
    this.#isRunning = false;
    this.#found = null;
  }

  close(): void {
    this.reset();
    this.#decoder.close();
  }

  #settle(found: { endMs: number; unchanged: number; frames: number }, endMs: number | null): WakeHit | null {
    found.frames++;
    found.unchanged = endMs === found.endMs ? found.unchanged + 1 : 0;
    found.endMs = endMs ?? found.endMs;
    if (found.unchanged < SETTLED_FRAMES && found.frames < LONGEST_SETTLING_FRAMES) return null;
    const heardMs = (this.#samplesHeard / SAMPLE_RATE_HZ) * 1000;
    this.reset();
    return { event: "ended", endedMsAgo: Math.max(0, heardMs - found.endMs) };
  }
}

/** Lower-case words of a wake phrase. @throws AppError E_WAKE_PHRASE when there is none. */
export function phraseWords(phrase: string): string[] {
  const words = phrase
    .toLowerCase()
    .split(/[^a-z']+/)
    .filter((word) => word !== "");
  if (words.length === 0) throw new AppError("E_WAKE_PHRASE", "the wake phrase is empty");
  return words;
}
