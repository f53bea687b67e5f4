import type { AudioFrame, Transcript } from "./ports.ts";

/** A recogniser inside the speech worker: synchronous, one utterance at a time. */
export interface SttEngine {
  begin(): void;
  accept(frame: AudioFrame): void;
  /** @throws AppError E_STT_FAILED. */
  finish(): Transcript;
  cancel(): void;
  close(): void;
}
