import type { Modality } from "./ports.ts";
import { addValue, type Moments, NO_MOMENTS } from "./running-moments.ts";

/** How a person writes and speaks, as running moments per feature; plain data. */
export interface Style {
  /** Words per turn, all modalities. */
  readonly words: Moments;
  /** Typed turns only, a recogniser writes neither: share of turns that end in punctuation, marks per word. */
  readonly endPunctuation: Moments;
  readonly marksPerWord: Moments;
  /** Typed turns only: 1 when the first letter is a capital. */
  readonly capitalStart: Moments;
  /** Politeness and full forms against slang and contractions, per turn, in [-1, 1]. */
  readonly formality: Moments;
}

export const NO_STYLE: Style = {
  words: NO_MOMENTS,
  endPunctuation: NO_MOMENTS,
  marksPerWord: NO_MOMENTS,
  capitalStart: NO_MOMENTS,
  formality: NO_MOMENTS,
};

const FORMAL =
  /\b(?:please|thank you|would you|could you|may i|kindly|good (?:morning|evening|afternoon)|i would|pardon)\b/giu;
const CASUAL =
  /\b(?:hey|yeah|yep|nope|gonna|wanna|gotta|kinda|cool|lol|ok|thx|u|dude|yo|ain't)\b|\w'(?:m|s|re|ve|ll|d|t)\b/giu;

/** The style after one more turn of the user's. A button press has no words of the user's and changes nothing. */
export function addTurn(style: Style, text: string, modality: Modality): Style {
  const words = countWords(text);
  if (modality === "button" || words === 0) return style;
  const spoken = {
    ...style,
    words: addValue(style.words, words),
    formality: addValue(style.formality, formalityOf(text)),
  };
  if (modality !== "text") return spoken;
  const trimmed = text.trim();
  return {
    ...spoken,
    endPunctuation: addValue(style.endPunctuation, /[.!?…]$/u.test(trimmed) ? 1 : 0),
    marksPerWord: addValue(style.marksPerWord, (trimmed.match(/[.,;:!?…]/gu)?.length ?? 0) / words),
    capitalStart: addValue(style.capitalStart, /^\P{L}*\p{Lu}/u.test(trimmed) ? 1 : 0),
  };
}

/** Words separated by white space. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function formalityOf(text: string): number {
  const formal = text.match(FORMAL)?.length ?? 0;
  const casual = text.match(CASUAL)?.length ?? 0;
  return formal + casual === 0 ? 0 : (formal - casual) / (formal + casual);
}
