import { FRAME_MS } from "./ports.ts";

/** All in audio time, so that a slow machine ends an utterance at the same sample as a fast one. */
export interface EndpointPolicy {
  /** Consecutive speech frames that make a start; fewer are a click. */
  readonly startFrames: number;
  /** Silence after speech that ends the utterance. */
  readonly trailingSilenceMs: number;
  /** Silence from the beginning after which nobody is expected to speak any more. */
  readonly noSpeechTimeoutMs: number;
  /** Longest utterance from its first speech frame. */
  readonly maxUtteranceMs: number;
}

export const DEFAULT_ENDPOINT_POLICY: EndpointPolicy = {
  startFrames: 3,
  trailingSilenceMs: 700,
  noSpeechTimeoutMs: 5_000,
  maxUtteranceMs: 15_000,
};

/** Durations are audio time of whole frames. */
export interface EndpointState {
  readonly phase: "waiting" | "speaking" | "done";
  /** Waiting: since the beginning. Speaking: since the first speech frame. */
  readonly elapsedMs: number;
  /** Waiting: speech frames in a row. */
  readonly run: number;
  /** Speaking: silence since the last speech frame. */
  readonly silenceMs: number;
}

export type EndpointEvent =
  | "speech_started"
  /** After trailing silence. */
  | "speech_ended"
  /** The maximum length was reached while someone still spoke. */
  | "speech_cut"
  | "no_speech";

export const INITIAL_ENDPOINT: EndpointState = { phase: "waiting", elapsedMs: 0, run: 0, silenceMs: 0 };

/**
 * One frame of speech or silence.
 *
 * @returns the next state and what it means, if anything; `done` stays done.
 */
export function endpoint(
  state: EndpointState,
  isSpeech: boolean,
  policy: EndpointPolicy,
): { readonly state: EndpointState; readonly event: EndpointEvent | null } {
  if (state.phase === "done") return { state, event: null };
  const elapsedMs = state.elapsedMs + FRAME_MS;
  if (state.phase === "waiting") {
    const run = isSpeech ? state.run + 1 : 0;
    if (run >= policy.startFrames) {
      return {
        state: { phase: "speaking", elapsedMs: run * FRAME_MS, run, silenceMs: 0 },
        event: "speech_started",
      };
    }
    // a run that has begun may still become speech: let it decide before giving up
    if (elapsedMs >= policy.noSpeechTimeoutMs && run === 0) return done("no_speech");
    return { state: { phase: "waiting", elapsedMs, run, silenceMs: 0 }, event: null };
  }
  const silenceMs = isSpeech ? 0 : state.silenceMs + FRAME_MS;
  if (silenceMs >= policy.trailingSilenceMs) {
    return { state: { ...state, phase: "done", elapsedMs, silenceMs }, event: "speech_ended" };
  }
  if (elapsedMs >= policy.maxUtteranceMs) {
    return { state: { ...state, phase: "done", elapsedMs, silenceMs }, event: "speech_cut" };
  }
  return { state: { ...state, elapsedMs, silenceMs }, event: null };
}

function done(event: EndpointEvent): { readonly state: EndpointState; readonly event: EndpointEvent } {
  return { state: { ...INITIAL_ENDPOINT, phase: "done" }, event };
}
