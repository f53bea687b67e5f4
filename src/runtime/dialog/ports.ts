import type { Domain, GuestRecord, ProfileStore } from "../../profile/ports.ts";
import type { TurnRelation } from "../../profile/turn-relation.ts";
import type { SpeechObserver, SpeechReport } from "../output/speaker.ts";

/** Speech that starts while its text still arrives. */
export interface Voice {
  /** Aborting the signal silences it. @param observer told of the first audio as it starts. */
  begin(signal: AbortSignal, observer: SpeechObserver): SpokenAnswer;
}

export interface SpokenAnswer {
  push(piece: string): void;
  /** No more text. Resolves when all of it was played, or playback was stopped; never rejects. */
  finish(): Promise<SpeechReport>;
}

/** The ears as the dialog uses them. */
export interface Ears {
  /** Begins an utterance now (button). */
  wake(): void;
}

/** The profiling layer as the dialog uses it. */
export interface Memory extends ProfileStore, GuestRecord {
  domainOf(text: string): Promise<Domain>;
  /** Compares by sentence embedding. */
  relationOf(previousInput: string, input: string): Promise<TurnRelation>;
}
