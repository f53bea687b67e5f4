import type { FactStatement } from "../../profile/fact-extractor.ts";
import type { Domain, ProfileStore } from "../../profile/ports.ts";

/** Speech that starts while its text still arrives. */
export interface Voice {
  begin(signal: AbortSignal): SpokenAnswer;
}

export interface SpokenAnswer {
  accept(piece: string): void;
  /** No more text. Resolves when all of it was played, or playback was stopped by the signal. */
  finish(): Promise<SpokenReport>;
}

/** Instants on the monotonic clock, ms; null when it did not come to that. */
export interface SpokenReport {
  readonly stopped: boolean;
  readonly firstSentenceMs: number | null;
  readonly firstSynthesisedMs: number | null;
  readonly firstAudioMs: number | null;
}

/** The ears as the dialog uses them. */
export interface Ears {
  /** Begins an utterance now (button). */
  wake(): void;
}

/** How a new request relates to the one before it. */
export type TurnRelation = "rephrase" | "follow_up" | "unrelated";

/** The profiling layer as the dialog uses it. */
export interface Memory extends ProfileStore {
  /** How many facts of that profile were deleted. */
  forgetFacts(profileId: string, topic: Extract<FactStatement, { kind: "forget" }>["topic"]): Promise<number>;
  domainOf(text: string): Promise<Domain>;
  /** Compares by sentence embedding. */
  relationOf(previousInput: string, input: string): Promise<TurnRelation>;
}
