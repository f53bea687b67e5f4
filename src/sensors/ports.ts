/** Everything that hears works on 16 kHz mono signed 16-bit audio. */
export const SAMPLE_RATE_HZ = 16_000;
/** One frame is 512 samples = 32 ms, the window Silero VAD wants at 16 kHz. */
export const FRAME_SAMPLES = 512;
export const FRAME_MS = 32;

/** Int16Array of exactly {@link FRAME_SAMPLES} samples, 16 kHz mono. The receiver owns it. */
export type AudioFrame = Int16Array;

export interface Microphone {
  /** Technology and device, for alerts and `doctor`, e.g. `arecord hw:1,0`. */
  readonly name: string;
  /**
   * Frames from now until the signal aborts (then it ends without an error). One capture at a time.
   * @throws AppError E_MIC_UNAVAILABLE (recorder or device missing), E_MIC_LOST (vanished while capturing).
   */
  capture(signal: AbortSignal): AsyncIterable<AudioFrame>;
}

/** Speech or not, frame by frame. Stateful: `reset` between utterances. */
export interface VoiceActivityDetector extends AsyncDisposable {
  isSpeech(frame: AudioFrame): Promise<boolean>;
  reset(): void;
}

/** Listens for the wake phrase. Stateful: `reset` after a detection and after a turn. */
export interface WakeWordDetector extends AsyncDisposable {
  readonly phrase: string;
  /** `recognised` once, then `ended` once, on a later frame; null on every other. */
  accept(frame: AudioFrame): Promise<WakeHit | null>;
  reset(): void;
}

export type WakeHit =
  /** Often before the phrase's last sound is spoken. */
  | { readonly event: "recognised" }
  /** `endedMsAgo`: audio from the end of the phrase to the end of the accepted frame; what follows is this long. */
  | { readonly event: "ended"; readonly endedMsAgo: number };

export interface Transcript {
  /** Lower-case words; empty when nothing was understood. User text: never log it. */
  readonly text: string;
  /** 0..1, or null when the engine gives none. */
  readonly confidence: number | null;
  /** How the voice sounded, when somebody wants to know and a speaker model is there. Personal: never log it. */
  readonly voice?: { readonly model: string; readonly print: Float32Array };
}

export interface SpeechToText extends AsyncDisposable {
  readonly name: string;
  /** Begins one utterance; one at a time. Decoding runs while frames arrive, so that `finish` is quick. */
  begin(): Utterance;
}

export interface Utterance {
  /** Queues a frame; never blocks the event loop. */
  accept(frame: AudioFrame): void;
  /** @throws AppError E_STT_FAILED, E_ABORTED after `cancel`. */
  finish(): Promise<Transcript>;
  /** Drops the utterance; safe to call twice and after `finish`. */
  cancel(): void;
}

/** Turns utterances into voice prints: vectors of length 1, alike for one voice and unlike for two. */
export interface SpeakerRecogniser extends AsyncDisposable {
  /** Names the model; prints of different models must not be compared. */
  readonly model: string;
  /** Begins one utterance; one at a time, a new one cancels the last. */
  begin(): VoiceSample;
}

export interface VoiceSample {
  /** Queues a frame; never blocks the event loop. */
  accept(frame: AudioFrame): void;
  /** Null when it was too short. @throws AppError E_HEARING_WORKER, E_ABORTED after `cancel` or a first `finish`. */
  finish(): Promise<Float32Array | null>;
  /** Drops what was heard; safe to call twice and after `finish`. */
  cancel(): void;
}

/** talk: wakes and stops; up and down: feedback. A board may have any subset. */
export type ButtonName = "talk" | "up" | "down";

export interface ButtonEdge {
  readonly button: ButtonName;
  readonly pressed: boolean;
  /** Monotonic ms of the port's clock. */
  readonly atMs: number;
}

export interface ButtonInput {
  readonly name: string;
  /**
   * Reports edges until the signal aborts; resolves once watching has begun. Edges of one button alternate; contacts may
   * bounce, which gestureStep takes out.
   * @throws AppError E_GPIO_UNAVAILABLE (no such chip or device, no permission).
   */
  watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void>;
}

/** A status light; brightness is on or off, patterns are the caller's. */
export interface StatusLed extends AsyncDisposable {
  set(on: boolean): Promise<void>;
}
