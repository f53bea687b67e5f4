import { patternMatches } from "../core/pattern-matches.ts";

/** A stretch of text that is one number, said or written digit group by digit group. */
export interface NumberRun {
  /** Offsets in the text, half open. */
  readonly start: number;
  readonly end: number;
  /** Every group as it was said or written: `["555", "1234"]`, `["5", "5", "5", "1"]`. */
  readonly groups: readonly NumberGroup[];
  readonly hasPlus: boolean;
}

export interface NumberGroup {
  /** Digits, or one letter where letters are spelled. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What stands between the group before and this one. */
  readonly separator: string;
  readonly isSpoken: boolean;
}

const DIGITS: Readonly<Record<string, string>> = {
  zero: "0",
  oh: "0",
  o: "0",
  nought: "0",
  one: "1",
  two: "2",
  three: "3",
  four: "4",
  five: "5",
  six: "6",
  seven: "7",
  eight: "8",
  nine: "9",
};
const TEENS: readonly string[] =
  "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(" ");
const TENS: readonly string[] = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const REPEATS: Readonly<Record<string, number>> = { double: 2, triple: 3 };
const TOKEN = /\p{L}+(?:'\p{L}+)?|\d+/gu;
/** Between two groups of one number. */
const JOINT = /^(?: ?[-–./] ?| ?\(| ?\) ?| {1,2}| ?\) ?[-.] ?|)$/;
const SPELLED_JOINT = /^,? $/;

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Every number in a text, as digit groups: `five five five one two`, `555-12`, `(0)55 12`, `double five`, `twenty one`.
 *
 * @param spellsLetters also takes single letters in between (`d e eight nine`), for identifiers.
 */
export function numberRuns(text: string, spellsLetters = false): NumberRun[] {
  const words = patternMatches(text, TOKEN).map((match) => ({
    text: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
  const runs: NumberRun[] = [];
  let groups: NumberGroup[] = [];
  const close = () => {
    // A lone "o" or a letter is no number.
    while (groups.length > 0 && !/\d/.test(groups.at(-1)?.text ?? "0")) groups.pop();
    const first = groups[0];
    const last = groups.at(-1);
    if (first !== undefined && last !== undefined && groups.some(({ text: group }) => /\d/.test(group))) {
      const lead = /(?:\+|\bplus )\s?\(?$/i.exec(text.slice(Math.max(0, first.start - 7), first.start));
      const isBracketed = text[first.start - 1] === "(" && groups.some(({ separator }) => separator.includes(")"));
      const start = first.start - (lead?.[0].length ?? (isBracketed ? 1 : 0));
      runs.push({ start, end: last.end, groups, hasPlus: lead !== null });
    }
    groups = [];
  };
  for (let i = 0; i < words.length; ) {
    const found = groupAt(words, i, text, spellsLetters);
    if (found === null) {
      close();
      i += 1;
      continue;
    }
    const start = words[i]?.start ?? 0;
    const end = words[i + found.words - 1]?.end ?? start;
    const before = groups.at(-1);
    const separator = before === undefined ? "" : text.slice(before.end, start);
    const isSpelled = before?.text.length === 1 && found.text.length === 1;
    if (before !== undefined && !JOINT.test(separator) && !(isSpelled && SPELLED_JOINT.test(separator))) close();
    groups.push({ text: found.text, start, end, separator, isSpoken: found.isSpoken });
    i += found.words;
  }
  close();
  return runs;
}

interface FoundGroup {
  readonly text: string;
  readonly words: number;
  readonly isSpoken: boolean;
}

function groupAt(words: readonly Word[], at: number, text: string, spellsLetters: boolean): FoundGroup | null {
  const word = words[at];
  if (word === undefined) return null;
  if (/^\d/.test(word.text)) return { text: word.text, words: 1, isSpoken: false };
  const next = words[at + 1];
  const isNextAdjacent = next !== undefined && /^[ -]$/.test(text.slice(word.end, next.start));
  const digit = DIGITS[word.text];
  if (digit !== undefined) {
    if (isNextAdjacent && next.text === "hundred") return { text: `${digit}00`, words: 2, isSpoken: true };
    return { text: digit, words: 1, isSpoken: true };
  }
  const teen = TEENS.indexOf(word.text);
  if (teen >= 0) {
    if (isNextAdjacent && next.text === "hundred") return { text: `${10 + teen}00`, words: 2, isSpoken: true };
    return { text: String(10 + teen), words: 1, isSpoken: true };
  }
  const ten = TENS.indexOf(word.text);
  if (ten >= 0) {
    const unit = isNextAdjacent ? DIGITS[next.text] : undefined;
    if (unit !== undefined && unit !== "0") return { text: `${2 + ten}${unit}`, words: 2, isSpoken: true };
    return { text: `${2 + ten}0`, words: 1, isSpoken: true };
  }
  const times = REPEATS[word.text];
  const repeated = isNextAdjacent ? (DIGITS[next.text] ?? (/^\d$/.test(next.text) ? next.text : undefined)) : undefined;
  if (times !== undefined && repeated !== undefined) {
    return { text: repeated.repeat(times), words: 2, isSpoken: true };
  }
  if (spellsLetters && word.text.length === 1) return { text: word.text, words: 1, isSpoken: true };
  return null;
}

/** All digits of a run in order. */
export function digitsOf(groups: readonly NumberGroup[]): string {
  return groups.map(({ text }) => text).join("");
}
