import type { Domain, Modality } from "../../profile/ports.ts";

/** Instants of one turn on the monotonic clock, ms; null when the stage did not happen. */
export interface TurnMarks {
  /** End of speech for voice, arrival of the request for text. */
  readonly startMs: number;
  readonly transcriptMs: number;
  readonly contextMs: number | null;
  readonly firstTokenMs: number | null;
  readonly firstSentenceMs: number | null;
  readonly firstSynthesisedMs: number | null;
  readonly firstAudioMs: number | null;
  readonly endMs: number;
}

/** Durations, ms. `ours` is all of start → first audio that no engine (STT, LLM, TTS) spent. */
export interface StageTimes {
  readonly sttMs: number;
  readonly contextMs: number | null;
  readonly llmFirstTokenMs: number | null;
  readonly llmFirstSentenceMs: number | null;
  readonly ttsMs: number | null;
  readonly firstAudioMs: number | null;
  readonly oursMs: number | null;
  readonly totalMs: number;
}

/** Pure: the stages between a turn's marks. */
export function stageTimes(marks: TurnMarks): StageTimes {
  const between = (from: number | null, to: number | null) => (from === null || to === null ? null : to - from);
  const sttMs = marks.transcriptMs - marks.startMs;
  const llmFirstSentenceMs = between(marks.contextMs, marks.firstSentenceMs);
  const ttsMs = between(marks.firstSentenceMs, marks.firstSynthesisedMs);
  const firstAudioMs = between(marks.startMs, marks.firstAudioMs);
  return {
    sttMs,
    contextMs: between(marks.transcriptMs, marks.contextMs),
    llmFirstTokenMs: between(marks.contextMs, marks.firstTokenMs),
    llmFirstSentenceMs,
    ttsMs,
    firstAudioMs,
    oursMs: firstAudioMs === null ? null : firstAudioMs - sttMs - (llmFirstSentenceMs ?? 0) - (ttsMs ?? 0),
    totalMs: marks.endMs - marks.startMs,
  };
}

/** What came of one turn. Holds user text: for the local socket only, never for logs or MQTT. */
export interface TurnReport {
  readonly turn: number;
  readonly modality: Modality;
  readonly outcome: "answered" | "acknowledged" | "stopped" | "failed";
  readonly input: string;
  readonly answer: string;
  readonly domain: Domain | null;
  /** Null when nothing was stored (no consent, or nothing to store). */
  readonly interactionId: string | null;
  readonly stages: StageTimes;
  readonly generatedTokens: number;
  readonly reusedTokens: number;
  /** WAV of what was heard, when the output keeps one. */
  readonly recordingPath: string | null;
  readonly errorCode: string | null;
}
