import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { builtFile } from "../core/built-file.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, isEnoent } from "../core/errors.ts";
import { FrameAssembler } from "./frame-assembler.ts";
import { type AudioFrame, type Microphone, SAMPLE_RATE_HZ } from "./ports.ts";

/** Frames that may wait for a slow receiver (2 s) before the recorder is held up. */
const MAX_QUEUED_FRAMES = 64;
/** A recorder that ignores SIGTERM this long is killed. */
const KILL_AFTER_MS = 1_000;

export interface Lpcm16MicrophoneOptions {
  /** ALSA device, e.g. `default`, `plughw:1,0` (plughw converts rates and formats; hw does not). */
  readonly device: string;
  /** Audio is fetched this much at a time; default 64. */
  readonly periodMs?: number;
  /** No audio for this long means that the device is gone; default 2000. */
  readonly stallMs?: number;
  readonly clock: Clock;
}

/** ALSA capture through node-record-lpcm16 and `arecord`, raw 16 kHz mono. */
export class Lpcm16Microphone implements Microphone {
  readonly name: string;
  readonly #options: Lpcm16MicrophoneOptions;
  #isCapturing = false;

  constructor(options: Lpcm16MicrophoneOptions) {
    this.#options = options;
    this.name = `arecord ${options.device}`;
  }

  /** Ends only when the recorder process has ended. */
  async *capture(signal: AbortSignal): AsyncGenerator<AudioFrame, void, undefined> {
    if (signal.aborted) return;
    if (this.#isCapturing) throw new AppError("E_MIC_UNAVAILABLE", `${this.name} is already capturing`);
    this.#isCapturing = true;
    try {
      const { default: recorder } = await import("node-record-lpcm16");
      const recording = recorder.record({
        recorder: builtFile("sensors/arecord-recorder").replace(/\.js$/, ".cjs"),
        device: this.#options.device,
        sampleRate: SAMPLE_RATE_HZ,
        channels: 1,
        audioType: "raw",
        periodMs: this.#options.periodMs ?? 64,
      });
      // same tick as record(): a missing arecord would otherwise end our process by an unheard error event
      const source = new RecorderSource(recording.process, recording.stream(), this.name);
      yield* source.frames(signal, this.#options.clock, this.#options.stallMs ?? 2_000);
    } finally {
      this.#isCapturing = false;
    }
  }
}

/**
 * INVARIANTS: `#ended` is set once; after it no frame is queued. The stream is paused exactly while more than
 * {@link MAX_QUEUED_FRAMES} wait, and the stall timer runs only while the receiver waits for us.
 */
class RecorderSource {
  readonly #process: ChildProcess;
  readonly #stream: Readable;
  readonly #name: string;
  readonly #assembler = new FrameAssembler();
  #queue: AudioFrame[] = [];
  #ended: AppError | null = null;
  #hasDelivered = false;
  /** Last line of the recorder's complaints; ALSA's own words, no user text. */
  #complaint = "";
  #wake: () => void = () => {};

  constructor(process: ChildProcess, stream: Readable, name: string) {
    this.#process = process;
    this.#stream = stream;
    this.#name = name;
    process.on("error", (error) => this.#end(this.#spawnError(error)));
    process.on("close", (code) => this.#end(this.#exitError(code)));
    // node-record-lpcm16 emits a *string* here when the exit code is not 0, also after a wanted stop
    stream.on("error", () => {});
    process.stderr?.on("data", (chunk: Buffer) => {
      this.#complaint = chunk.toString().trim().split("\n").at(-1) ?? "";
    });
    stream.on("data", (chunk: Buffer) => this.#push(chunk));
  }

  async *frames(signal: AbortSignal, clock: Clock, stallMs: number): AsyncGenerator<AudioFrame, void, undefined> {
    const onAbort = () => this.#wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const frame = this.#queue.shift();
        if (frame !== undefined) {
          if (this.#queue.length === 0) this.#stream.resume();
          this.#hasDelivered = true;
          yield frame;
        } else if (this.#ended !== null) throw this.#ended;
        else if ((await this.#more(clock, stallMs)) === "stalled") {
          throw new AppError("E_MIC_LOST", `${this.#name} delivered nothing for ${stallMs} ms`);
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#stop(clock);
    }
  }

  /** Resolves when a frame, the end, an abort or the stall limit comes. */
  #more(clock: Clock, stallMs: number): Promise<"woken" | "stalled"> {
    return new Promise((resolve) => {
      const cancel = clock.after(stallMs, () => resolve("stalled"));
      this.#wake = () => {
        cancel();
        resolve("woken");
      };
    });
  }

  #push(chunk: Buffer): void {
    if (this.#ended !== null) return;
    this.#queue.push(...this.#assembler.push(chunk));
    if (this.#queue.length > MAX_QUEUED_FRAMES) this.#stream.pause();
    if (this.#queue.length > 0) this.#wake();
  }

  #end(error: AppError): void {
    this.#ended ??= error;
    this.#wake();
  }

  #spawnError(error: Error): AppError {
    return isEnoent(error)
      ? new AppError("E_MIC_UNAVAILABLE", "arecord was not found", { hint: "apt install alsa-utils", cause: error })
      : new AppError("E_MIC_UNAVAILABLE", "arecord could not be started", { cause: error });
  }

  #exitError(code: number | null): AppError {
    const reason = this.#complaint === "" ? "" : `: ${this.#complaint}`;
    return this.#hasDelivered || this.#queue.length > 0
      ? new AppError("E_MIC_LOST", `${this.#name} ended with ${code ?? "a signal"} while capturing${reason}`)
      : new AppError("E_MIC_UNAVAILABLE", `${this.#name} ended with ${code ?? "a signal"}${reason}`);
  }

  async #stop(clock: Clock): Promise<void> {
    // not `close`: that waits for the pipe too, which a child of the recorder may hold open
    this.#stream.destroy();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined) return;
    const exited = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.kill("SIGTERM");
    const cancel = clock.after(KILL_AFTER_MS, () => this.#process.kill("SIGKILL"));
    await exited;
    cancel();
  }
}
