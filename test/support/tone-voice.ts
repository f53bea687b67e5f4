import { type Clock, delay } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import type { PcmAudio, TextToSpeech } from "../../src/runtime/ports.ts";

const SAMPLE_RATE_HZ = 16_000;
/** Length of the tone that stands for a letter or digit, ms. */
const TONE_MS_PER_LETTER = 50;

/** A fake voice: 50 ms of tone per letter, ready after `synthesisMs` on the clock. Passes the voice's contract. */
export class ToneVoice implements TextToSpeech {
  readonly name = "tone";
  /** Texts asked for, in order. */
  readonly asked: string[] = [];
  /** The next call with this text fails with E_TTS_FAILED. */
  failOn: string | null = null;
  readonly #clock: Clock;
  readonly #synthesisMs: number;
  readonly #letterMs: number;

  /** @param letterMs tone per letter, where long sentences would only take time. */
  constructor(clock: Clock, synthesisMs: number, letterMs = TONE_MS_PER_LETTER) {
    this.#clock = clock;
    this.#synthesisMs = synthesisMs;
    this.#letterMs = letterMs;
  }

  async synthesize(text: string, signal: AbortSignal): Promise<PcmAudio> {
    this.asked.push(text);
    await delay(this.#clock, this.#synthesisMs, signal);
    if (text === this.failOn) throw new AppError("E_TTS_FAILED", "told to fail");
    const letters = text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
    const samples = new Int16Array((letters * this.#letterMs * SAMPLE_RATE_HZ) / 1000);
    for (let i = 0; i < samples.length; i++) samples[i] = Math.sin((2 * Math.PI * 440 * i) / SAMPLE_RATE_HZ) * 8000;
    return { samples, sampleRateHz: SAMPLE_RATE_HZ };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
