/** Utterances after which a voice counts as known. */
const ENROLMENT_UTTERANCES = 4;

/** A person's voice: the mean of the unit vectors of the utterances it was learned from. */
export interface VoicePrint {
  /** Speaker model that made it; prints of different models must not be compared. */
  readonly model: string;
  readonly utterances: number;
  readonly mean: Float32Array;
}

/** The print with one more utterance; begins anew when the model is another one. */
export function withUtterance(print: VoicePrint | null, model: string, vector: Float32Array): VoicePrint {
  if (print === null || print.model !== model || print.mean.length !== vector.length) {
    return { model, utterances: 1, mean: Float32Array.from(vector) };
  }
  const utterances = print.utterances + 1;
  return { model, utterances, mean: print.mean.map((value, i) => value + ((vector[i] ?? 0) - value) / utterances) };
}

/**
 * Whose voice it is: null while the print is not learned yet, or of another model.
 * @param threshold cosine from which on it is the same person; depends on the model.
 */
export function voiceOf(
  print: VoicePrint | null,
  model: string,
  vector: Float32Array,
  threshold: number,
): "owner" | "stranger" | null {
  if (print === null || print.model !== model || print.utterances < ENROLMENT_UTTERANCES) return null;
  if (print.mean.length !== vector.length) return null;
  let dot = 0;
  let squares = 0;
  for (const [i, value] of print.mean.entries()) {
    dot += value * (vector[i] ?? 0);
    squares += value * value;
  }
  return dot / (Math.sqrt(squares) || 1) >= threshold ? "owner" : "stranger";
}
