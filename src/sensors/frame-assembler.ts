import { type AudioFrame, FRAME_SAMPLES } from "./ports.ts";

const FRAME_BYTES = FRAME_SAMPLES * 2;

/** Cuts a stream of little-endian 16-bit bytes, in chunks of any length, into frames. */
export class FrameAssembler {
  readonly #bytes = new Uint8Array(FRAME_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #filled = 0;

  /** The frames completed by that chunk, oldest first; the rest is kept for the next one. */
  push(chunk: Uint8Array): AudioFrame[] {
    const frames: AudioFrame[] = [];
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + FRAME_BYTES - this.#filled);
      this.#bytes.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === FRAME_BYTES) {
        frames.push(this.#take());
        this.#filled = 0;
      }
    }
    return frames;
  }

  #take(): AudioFrame {
    const frame = new Int16Array(FRAME_SAMPLES);
    for (let i = 0; i < FRAME_SAMPLES; i++) frame[i] = this.#view.getInt16(2 * i, true);
    return frame;
  }
}
