import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileWriteError } from "../../core/atomic-file.ts";
import { type Clock, delay } from "../../core/clock.ts";
import { isAppError } from "../../core/errors.ts";
import { writeWavFile } from "../../core/wav.ts";
import type { AudioOutput, PcmAudio } from "../ports.ts";

const FILE_NAME = /^(\d{5,})\.wav$/;

export interface WavOutputOptions {
  /** Made when missing, mode 0700: what the assistant says is personal. */
  readonly folder: string;
  readonly clock: Clock;
  /** How many times faster than real time; default 1. */
  readonly speed?: number;
  /** Newest files that are kept; default 100. */
  readonly keepFiles?: number;
}

/**
 * A loudspeaker for boards without one and for tests: plays at the clock's pace, so that it can be interrupted, and keeps
 * each utterance as `00001.wav`, `00002.wav`, ... A stopped one holds only what would have been heard.
 */
export class WavOutput implements AudioOutput {
  readonly name: string;
  readonly #options: Required<WavOutputOptions>;
  #heard: Int16Array[] = [];
  #sampleRateHz = 0;

  constructor(options: WavOutputOptions) {
    this.#options = { speed: 1, keepFiles: 100, ...options };
    this.name = `WAV files in ${options.folder}`;
  }

  async play(audio: PcmAudio, signal: AbortSignal): Promise<"played" | "stopped"> {
    // one file has one rate; voices do not change theirs within an utterance
    if (this.#heard.length > 0 && audio.sampleRateHz !== this.#sampleRateHz) await this.endUtterance();
    this.#sampleRateHz = audio.sampleRateHz;
    const { clock, speed } = this.#options;
    const startMs = clock.monotonicMs();
    const lengthMs = (audio.samples.length / audio.sampleRateHz) * 1000;
    try {
      await delay(clock, lengthMs / speed, signal);
      this.#heard.push(audio.samples);
      return "played";
    } catch (error) {
      if (!isAppError(error, "E_ABORTED")) throw error;
      const heardMs = (clock.monotonicMs() - startMs) * speed;
      this.#heard.push(audio.samples.slice(0, Math.floor((heardMs / 1000) * audio.sampleRateHz)));
      return "stopped";
    }
  }

  /** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
  async endUtterance(): Promise<string | null> {
    const samples = joined(this.#heard);
    this.#heard = [];
    if (samples.length === 0) return null;
    const { folder, keepFiles } = this.#options;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const numbers = await fileNumbers(folder);
      const path = join(folder, fileName((numbers.at(-1) ?? 0) + 1));
      await writeWavFile(path, { samples, sampleRateHz: this.#sampleRateHz });
      const surplus = numbers.slice(0, Math.max(0, numbers.length + 1 - keepFiles));
      for (const number of surplus) await rm(join(folder, fileName(number)), { force: true });
      return path;
    } catch (error) {
      throw isAppError(error) ? error : fileWriteError(error, folder);
    }
  }
}

async function fileNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function fileName(number: number): string {
  return `${String(number).padStart(5, "0")}.wav`;
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
