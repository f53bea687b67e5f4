import type { AppError } from "../core/errors.ts";
import type { SpeechToText, VoiceActivityDetector, WakeWordDetector } from "./ports.ts";

/** What the ear needs, opened; disposing ends their worker threads. */
export interface HearingEngines extends AsyncDisposable {
  readonly vad: VoiceActivityDetector;
  /** null = only the button wakes. */
  readonly wake: WakeWordDetector | null;
  /** Why there is no wake detector although one was asked for. */
  readonly wakeFailure: AppError | null;
  readonly stt: SpeechToText;
  /** Why voices are not told apart although a speaker model is configured. */
  readonly speakerFailure: AppError | null;
}
