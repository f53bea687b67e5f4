import { type Clock, delay } from "../../src/core/clock.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { AudioOutput, PcmAudio } from "../../src/runtime/ports.ts";

/** A fake loudspeaker that plays at the clock's pace and remembers for how long. Passes the output's contract. */
export class MemoryOutput implements AudioOutput {
  readonly name = "memory";
  readonly playedMs: number[] = [];
  utterances = 0;
  /** The next `play` rejects with this. */
  failWith: Error | null = null;
  readonly #clock: Clock;
  readonly #releaseMs: number;

  /** @param releaseMs how long it goes on being busy after a stop; default 0. */
  constructor(clock: Clock, releaseMs = 0) {
    this.#clock = clock;
    this.#releaseMs = releaseMs;
  }

  async play(audio: PcmAudio, signal: AbortSignal): Promise<"played" | "stopped"> {
    if (this.failWith !== null) throw this.failWith;
    const startMs = this.#clock.monotonicMs();
    try {
      await delay(this.#clock, (audio.samples.length / audio.sampleRateHz) * 1000, signal);
      return "played";
    } catch (error) {
      if (!isAppError(error, "E_ABORTED")) throw error;
      if (this.#releaseMs > 0) await delay(this.#clock, this.#releaseMs);
      return "stopped";
    } finally {
      this.playedMs.push(this.#clock.monotonicMs() - startMs);
    }
  }

  async endUtterance(): Promise<null> {
    this.utterances++;
    return null;
  }
}
