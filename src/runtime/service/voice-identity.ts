import type { ProfileStore, VoiceRecord } from "../../profile/ports.ts";

/** How an utterance sounded. */
export interface HeardVoice {
  readonly model: string;
  /** Of length 1. */
  readonly print: Float32Array;
}

export interface VoiceIdentityDeps {
  readonly store: Pick<ProfileStore, "active"> & VoiceRecord;
  /** Cosine from which on it is the same person. */
  readonly threshold: number;
  isGuest(): boolean;
}

/**
 * Tells the active person's voice from others, once they have allowed it and been heard a few times. While a guest speaks nothing is
 * learned.
 *
 * @returns null when it cannot tell: no consent, not learned yet, another model.
 */
export async function whoSpeaks(
  { store, threshold, isGuest }: VoiceIdentityDeps,
  voice: HeardVoice,
): Promise<"owner" | "stranger" | null> {
  const { id, consent } = await store.active();
  if (!consent.speaker) return null;
  const known = await store.compareVoice(id, voice.model, voice.print, threshold);
  if (known === null && !isGuest()) await store.learnVoice(id, voice.model, voice.print);
  return known;
}
