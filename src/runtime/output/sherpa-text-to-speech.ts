import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { builtFile } from "../../core/built-file.ts";
import { type Clock, withDeadline } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { PcmAudio, TextToSpeech } from "../ports.ts";
import { detectSherpaVoice } from "./sherpa-voice-folder.ts";
import type { SherpaReply, SherpaRequest } from "./sherpa-voice-protocol.ts";
import { speakableText } from "./speakable-text.ts";

const EMPTY_RATE_HZ = 22_050;
/** A Kokoro model takes about 10 s to load on a Pi 4's SD card, ms. */
const OPEN_MS = 60_000;
/** The slowest voice on the slowest board still says a sentence in less, ms. */
const SPEAK_MS = 60_000;

export interface SherpaTextToSpeechOptions {
  /** Unpacked voice; see detectSherpaVoice for the layouts. */
  readonly modelDir: string;
  /** Number of the speaker in a voice that has several; anything else = the first one. */
  readonly voice: string;
  readonly clock: Clock;
  /** Default 2. */
  readonly threads?: number;
}

/** A neural voice of the owner's by sherpa-onnx, in a child process that starts with the first sentence. */
export class SherpaTextToSpeech implements TextToSpeech {
  readonly name: string;
  readonly #options: Required<SherpaTextToSpeechOptions>;
  readonly #speaker: number;
  #opening: Promise<VoiceChild> | null = null;

  constructor(options: SherpaTextToSpeechOptions) {
    this.#options = { threads: 2, ...options };
    this.#speaker = /^\d+$/.test(options.voice) ? Number(options.voice) : 0;
    this.name = `sherpa ${options.modelDir}`;
  }

  async synthesize(text: string, signal: AbortSignal): Promise<PcmAudio> {
    const speech = speakableText(text);
    if (speech === "") return { samples: new Int16Array(0), sampleRateHz: EMPTY_RATE_HZ };
    return await abortable(signal, this.#speak(speech));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opening = this.#opening;
    this.#opening = null;
    const child = await opening?.catch(() => null);
    await child?.end();
  }

  async #speak(speech: string): Promise<PcmAudio> {
    // a child that could not be opened, or that died, is replaced at the next sentence
    this.#opening ??= this.#open();
    const opening = this.#opening;
    try {
      const child = await opening;
      return await child.speak(speech, this.#speaker);
    } catch (error) {
      if (this.#opening === opening) this.#opening = null;
      void opening.then((child) => child.end()).catch(() => {});
      throw error;
    }
  }

  async #open(): Promise<VoiceChild> {
    const { modelDir, threads, clock } = this.#options;
    const voice = await detectSherpaVoice(modelDir);
    const child = new VoiceChild(clock);
    try {
      const speakers = await child.open({ kind: "open", voice, threads });
      if (this.#speaker >= Math.max(1, speakers)) {
        throw new AppError("E_TTS_UNAVAILABLE", `the voice has ${speakers} speakers, no number ${this.#speaker}`);
      }
      return child;
    } catch (error) {
      await child.end();
      throw error;
    }
  }
}

/** One child with an open voice; requests are answered in order. */
class VoiceChild {
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number | null, { resolve(reply: SherpaReply): void; reject(error: AppError): void }>();
  #nextId = 1;
  #isEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#child = fork(builtFile("runtime/output/sherpa-voice-child"), [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child.on("message", (reply: SherpaReply) => this.#settle(reply));
    this.#child.once("error", () => this.#failAll());
    this.#child.once("exit", () => this.#failAll());
  }

  async open(request: SherpaRequest & { kind: "open" }): Promise<number> {
    const reply = await withDeadline(this.#clock, OPEN_MS, "opening the voice", this.#ask(null, request));
    return reply.kind === "opened" ? reply.speakers : 0;
  }

  async speak(text: string, speaker: number): Promise<PcmAudio> {
    const id = this.#nextId++;
    const asked = this.#ask(id, { kind: "speak", id, text, speaker });
    const reply = await withDeadline(this.#clock, SPEAK_MS, "the voice", asked);
    if (reply.kind !== "spoken" || reply.samples.length === 0) {
      throw new AppError("E_TTS_FAILED", "sherpa-onnx made no audio");
    }
    return { samples: reply.samples, sampleRateHz: reply.sampleRateHz };
  }

  async end(): Promise<void> {
    if (this.#isEnded) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  #ask(id: number | null, request: SherpaRequest): Promise<SherpaReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.#isEnded) this.#failAll();
      else this.#child.send(request, (error) => error !== null && this.#failAll());
    });
  }

  #settle(reply: SherpaReply): void {
    const id = reply.kind === "opened" ? null : reply.id;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (reply.kind !== "failed") waiting?.resolve(reply);
    else if (id === null) waiting?.reject(new AppError("E_TTS_UNAVAILABLE", `no voice: ${reply.reason}`));
    else waiting?.reject(new AppError("E_TTS_FAILED", `sherpa-onnx failed: ${reply.reason}`));
  }

  #failAll(): void {
    this.#isEnded = true;
    for (const [id, waiting] of this.#waiting) {
      waiting.reject(
        id === null
          ? new AppError("E_TTS_UNAVAILABLE", "sherpa-onnx refused the voice's model and ended")
          : new AppError("E_TTS_FAILED", "sherpa-onnx ended while it spoke"),
      );
    }
    this.#waiting.clear();
  }
}

/** The work's result, or E_ABORTED at once when the signal fires; the work itself goes on unheard. */
async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new AppError("E_ABORTED", "speech was stopped on request"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
