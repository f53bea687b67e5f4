import { type AudioFrame, FRAME_MS } from "./ports.ts";

/** The most recent frames, oldest first; what was heard just before something was decided. */
export class PreRoll {
  readonly #capacity: number;
  readonly #frames: AudioFrame[] = [];

  /** @param lengthMs rounded up to whole frames of 32 ms. */
  constructor(lengthMs: number) {
    this.#capacity = Math.ceil(lengthMs / FRAME_MS);
  }

  push(frame: AudioFrame): void {
    this.#frames.push(frame);
    if (this.#frames.length > this.#capacity) this.#frames.shift();
  }

  /** The frames, oldest first; they stay. */
  newest(): readonly AudioFrame[] {
    return this.#frames;
  }

  /** Returns the frames, oldest first, and forgets them. */
  drain(): AudioFrame[] {
    return this.#frames.splice(0);
  }

  get lengthMs(): number {
    return this.#frames.length * FRAME_MS;
  }
}
