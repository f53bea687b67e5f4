import type { ErrorCode } from "../core/errors.ts";
import type { AudioFrame, Transcript, WakeHit } from "./ports.ts";

/** What a speech worker can be asked, per call: arguments and result. Frames travel by copy (1 KB each). */
export interface SpeechCalls {
  open_vad: { readonly args: VadOptions; readonly result: null };
  open_wake: { readonly args: WakeOptions; readonly result: null };
  open_pocketsphinx: { readonly args: PocketsphinxOptions; readonly result: null };
  open_sherpa: { readonly args: SherpaOptions; readonly result: null };
  /** Once everything is open: gives back the memory that only loading needed. */
  settle: { readonly args: null; readonly result: null };
  /** Ends the worker; there is no reply. */
  end: { readonly args: null; readonly result: null };
  vad_frame: { readonly args: AudioFrame; readonly result: boolean };
  vad_reset: { readonly args: null; readonly result: null };
  wake_frame: { readonly args: AudioFrame; readonly result: WakeHit | null };
  wake_reset: { readonly args: null; readonly result: null };
  stt_begin: { readonly args: null; readonly result: null };
  stt_frame: { readonly args: AudioFrame; readonly result: null };
  stt_finish: { readonly args: null; readonly result: Transcript };
  open_speaker: { readonly args: SpeakerOptions; readonly result: null };
  speaker_begin: { readonly args: null; readonly result: null };
  speaker_frame: { readonly args: AudioFrame; readonly result: null };
  speaker_finish: { readonly args: null; readonly result: Float32Array | null };
  speaker_cancel: { readonly args: null; readonly result: null };
  stt_cancel: { readonly args: null; readonly result: null };
}

export type SpeechCallName = keyof SpeechCalls;

export interface VadOptions {
  readonly modelPath: string;
  /** Probability above which a frame is speech, 0..1. */
  readonly threshold: number;
}

export interface WakeOptions {
  readonly phrase: string;
  /** Keyphrase threshold of pocketsphinx (1e-50..1): smaller hears more and false-alarms more. */
  readonly threshold: number;
  readonly acousticModelDir: string;
  readonly dictionaryPath: string;
}

export interface PocketsphinxOptions {
  readonly acousticModelDir: string;
  readonly dictionaryPath: string;
  readonly languageModelPath: string;
  /** A general model for what the first one does not seem to cover; null = none. Loaded when first needed. */
  readonly openTalk: { readonly dictionaryPath: string; readonly languageModelPath: string } | null;
}

export interface SherpaOptions {
  /** `modelConfig` of sherpa-onnx with absolute paths. */
  readonly modelConfig: Readonly<Record<string, string | number | boolean | Readonly<Record<string, string>>>>;
  readonly streaming: boolean;
}

export interface SpeakerOptions {
  /** A speaker embedding model of sherpa-onnx. */
  readonly modelPath: string;
  readonly threads: number;
}

export interface SpeechRequest<K extends SpeechCallName = SpeechCallName> {
  readonly id: number;
  readonly call: K;
  readonly args: SpeechCalls[K]["args"];
}

export type SpeechReply =
  | { readonly id: number; readonly ok: true; readonly value: SpeechCalls[SpeechCallName]["result"] }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    };
