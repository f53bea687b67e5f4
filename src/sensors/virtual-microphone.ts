import { type Clock, delay } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { readWavFile, type WavAudio } from "../core/wav.ts";
import { type AudioFrame, FRAME_MS, FRAME_SAMPLES, type Microphone, SAMPLE_RATE_HZ } from "./ports.ts";

/** Peak of the room noise between sounds, of 32768: -70 dBFS, a quiet room through a cheap microphone. */
const NOISE_PEAK = 10;

interface Sound {
  readonly samples: Int16Array;
  /** Air time of its first sample. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface VirtualMicrophoneOptions {
  readonly clock: Clock;
  /** How many times faster than real time the air moves; default 1. */
  readonly speed?: number;
  /** Frames come in groups of this much air time, as from a sound card; default one frame. */
  readonly periodMs?: number;
}

/**
 * A microphone whose sound comes from WAV files. Sounds happen in air time (the clock's, times `speed`) whether or not
 * anyone captures, so what is said while capture is stopped is lost, as in a room.
 */
export class VirtualMicrophone implements Microphone {
  readonly name = "virtual microphone";
  readonly #clock: Clock;
  readonly #speed: number;
  readonly #periodMs: number;
  #sounds: Sound[] = [];
  #isCapturing = false;
  #unplugging = new AbortController();
  /** State of the noise generator: a fixed seed, so that two runs hear the same room. */
  #noise = 0x2545f491;

  constructor(options: VirtualMicrophoneOptions) {
    this.#clock = options.clock;
    this.#speed = options.speed ?? 1;
    this.#periodMs = options.periodMs ?? FRAME_MS;
  }

  /**
   * Plays audio into the room after whatever is already queued; resolves when its last sample has sounded.
   * @throws AppError E_WAV_RATE unless it is 16 kHz.
   */
  async say(audio: WavAudio): Promise<void> {
    if (audio.sampleRateHz !== SAMPLE_RATE_HZ) {
      throw new AppError("E_WAV_RATE", `the microphone hears ${SAMPLE_RATE_HZ} Hz audio, not ${audio.sampleRateHz} Hz`);
    }
    const now = this.#airMs();
    // a sound that is not being captured leaves no trace; keep only what a capture may still read
    if (!this.#isCapturing) this.#sounds = this.#sounds.filter((sound) => sound.endMs > now);
    const startMs = Math.max(now, this.#sounds.at(-1)?.endMs ?? now);
    const endMs = startMs + (audio.samples.length / SAMPLE_RATE_HZ) * 1000;
    this.#sounds.push({ samples: audio.samples, startMs, endMs });
    await delay(this.#clock, (endMs - now) / this.#speed);
  }

  /** {@link say} for a file. @throws AppError E_FILE_UNREADABLE, E_WAV_INVALID, E_WAV_UNSUPPORTED, E_WAV_RATE. */
  async sayFile(path: string): Promise<void> {
    await this.say(await readWavFile(path));
  }

  /** The running capture fails with E_MIC_LOST, later ones with E_MIC_UNAVAILABLE until {@link plug}. */
  unplug(): void {
    this.#unplugging.abort();
  }

  plug(): void {
    if (this.#unplugging.signal.aborted) this.#unplugging = new AbortController();
  }

  async *capture(signal: AbortSignal): AsyncGenerator<AudioFrame, void, undefined> {
    const unplugged = this.#unplugging.signal;
    if (unplugged.aborted) throw new AppError("E_MIC_UNAVAILABLE", "the virtual microphone is unplugged");
    if (this.#isCapturing) throw new AppError("E_MIC_UNAVAILABLE", "the virtual microphone is already capturing");
    this.#isCapturing = true;
    const stop = AbortSignal.any([signal, unplugged]);
    try {
      let position = this.#airMs();
      while (!stop.aborted) {
        if (position + FRAME_MS > this.#airMs()) {
          await delay(this.#clock, (position + this.#periodMs - this.#airMs()) / this.#speed, stop);
          continue;
        }
        yield this.#frameAt(position);
        position += FRAME_MS;
        this.#sounds = this.#sounds.filter((sound) => sound.endMs > position);
      }
    } catch (error) {
      if (!isAppError(error, "E_ABORTED")) throw error;
    } finally {
      this.#isCapturing = false;
    }
    if (unplugged.aborted && !signal.aborted) throw new AppError("E_MIC_LOST", "the virtual microphone was unplugged");
  }

  #frameAt(positionMs: number): AudioFrame {
    const frame = new Int16Array(FRAME_SAMPLES);
    for (let i = 0; i < FRAME_SAMPLES; i++) frame[i] = this.#noiseSample();
    for (const sound of this.#sounds) {
      const offset = Math.round(((positionMs - sound.startMs) / 1000) * SAMPLE_RATE_HZ);
      const from = Math.max(0, -offset);
      const to = Math.min(FRAME_SAMPLES, sound.samples.length - offset);
      for (let i = from; i < to; i++) {
        frame[i] = Math.max(-32768, Math.min(32767, (frame[i] ?? 0) + (sound.samples[offset + i] ?? 0)));
      }
    }
    return frame;
  }

  /** xorshift32 (Marsaglia 2003), uniform in ±{@link NOISE_PEAK}. */
  #noiseSample(): number {
    let x = this.#noise;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#noise = x;
    return Math.round((x / 2 ** 31) * NOISE_PEAK);
  }

  #airMs(): number {
    return this.#clock.monotonicMs() * this.#speed;
  }
}
