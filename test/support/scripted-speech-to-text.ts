import { AppError } from "../../src/core/errors.ts";
import { frameLevel } from "../../src/sensors/audio-level.ts";
import type { AudioFrame, SpeechToText, Transcript, Utterance } from "../../src/sensors/ports.ts";

/** Understands the same text in every utterance that is loud somewhere, and keeps the frames it was given. */
export class ScriptedSpeechToText implements SpeechToText {
  readonly name = "scripted";
  readonly utterances: ScriptedUtterance[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  begin(): Utterance {
    this.utterances.at(-1)?.cancel();
    const utterance = new ScriptedUtterance(this.#text);
    this.utterances.push(utterance);
    return utterance;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.utterances.at(-1)?.cancel();
  }
}

export class ScriptedUtterance implements Utterance {
  readonly frames: AudioFrame[] = [];
  /** Set to make `finish` fail. */
  failure: AppError | null = null;
  readonly #text: string;
  #isOpen = true;

  constructor(text: string) {
    this.#text = text;
  }

  accept(frame: AudioFrame): void {
    if (this.#isOpen) this.frames.push(frame);
  }

  async finish(): Promise<Transcript> {
    if (!this.#isOpen) throw new AppError("E_ABORTED", "the utterance is over");
    this.#isOpen = false;
    if (this.failure !== null) throw this.failure;
    const isHeard = this.frames.some((frame) => frameLevel(frame).rms > 160);
    return { text: isHeard ? this.#text : "", confidence: isHeard ? 1 : null };
  }

  cancel(): void {
    this.#isOpen = false;
  }
}
