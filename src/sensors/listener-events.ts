import type { AppError } from "../core/errors.ts";
import type { MicrophoneCondition } from "./microphone-health.ts";
import type { Transcript } from "./ports.ts";

export type WakeSource = "phrase" | "button";
export type HearingEngine = "vad" | "wake" | "stt" | "speaker" | "worker";

/** What the listener tells. Times `atMs` are the clock's monotonic ms. */
export interface ListenerEvents {
  /** Someone wants attention: stop speaking, a command follows. */
  wake: { readonly by: WakeSource; readonly atMs: number };
  speech_started: { readonly atMs: number };
  /** `atMs` is when the last speech frame arrived, `decidedAtMs` when the trailing silence was long enough. */
  speech_ended: { readonly atMs: number; readonly decidedAtMs: number; readonly isCut: boolean };
  /** Never empty. `text` is user text: never log it. */
  transcript: {
    readonly text: string;
    readonly confidence: number | null;
    /** Audio given to the recogniser, pre-roll and trailing silence included. */
    readonly audioMs: number;
    /** From the end of the audio to the transcript. */
    readonly sttMs: number;
    readonly endedAtMs: number;
    /** How the voice sounded; null unless somebody wants to know. Personal: never log it. */
    readonly voice: NonNullable<Transcript["voice"]> | null;
  };
  /** After a wake: nobody spoke, or nothing was understood. */
  no_speech: { readonly reason: "silence" | "not_understood" };
  /** This utterance is lost; listening goes on. */
  stt_failed: { readonly error: AppError };
  /** Once per outage: absent from the start, or gone while capturing. */
  mic_lost: { readonly error: AppError };
  /** Audio arrives again (also after the first start); never while muted. */
  mic_back: { readonly name: string };
  mic_condition: { readonly condition: MicrophoneCondition };
  /** An engine is missing or broke; all but `wake` are retried. */
  engine_failed: { readonly engine: HearingEngine; readonly error: AppError };
  /** Everything needed is open; `wakePhrase` null = only the button wakes. */
  engines_ready: { readonly wakePhrase: string | null; readonly stt: string; readonly hasSpeaker: boolean };
  muted: { readonly isMuted: boolean };
}

/** Which engine an opening error is about. */
export function failedEngine(error: AppError): HearingEngine {
  if (error.code === "E_VAD_UNAVAILABLE") return "vad";
  if (error.code === "E_WAKE_PHRASE") return "wake";
  if (error.code === "E_SPEAKER_MODEL") return "speaker";
  return error.code.startsWith("E_STT_") ? "stt" : "worker";
}
