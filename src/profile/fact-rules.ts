import type { Fact, FactKind, FactTopic } from "./ports.ts";

export type { FactTopic } from "./ports.ts";

/** A fact as it is learned: without id and time. */
export type LearnableFact = Pick<Fact, "kind" | "statement" | "value">;

/** Units that exclude each other. */
const UNIT_SLOTS: readonly ReadonlySet<string>[] = [
  new Set(["celsius", "fahrenheit"]),
  new Set(["kilometres", "miles"]),
  new Set(["metric", "imperial"]),
  new Set(["24 hour", "12 hour"]),
];

/** True when learning `fresh` makes `old` obsolete: one name, one answer length, one unit per quantity, one opinion per thing. */
export function replaces(fresh: Pick<Fact, "kind" | "value">, old: Pick<Fact, "kind" | "value">): boolean {
  if (fresh.kind !== old.kind) return false;
  if (fresh.kind === "name" || fresh.kind === "answer_length") return true;
  if (slotValue(fresh.value) === slotValue(old.value)) return true;
  if (fresh.kind === "unit") return UNIT_SLOTS.some((slot) => slot.has(fresh.value) && slot.has(old.value));
  const slot = favouriteSlot(fresh.value);
  return slot !== null && slot === favouriteSlot(old.value);
}

/** Comparable form of a value: lower case, no articles, single spaces. */
export function slotValue(text: string): string {
  return text
    .toLowerCase()
    .replace(/'/g, "")
    .replace(/[^\p{L}\p{N}: ]+/gu, " ")
    .replace(/\b(?:the|a|an)\b/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
}

const KIND_WORDS: readonly (readonly [FactKind, RegExp])[] = [
  ["name", /^(?:my )?name$|^(?:what )?(?:i am|i'm) called$/iu],
  ["unit", /^(?:my )?(?:units?|unit preferences?)$/iu],
  ["answer_length", /^(?:my |the )?answer length$|^how long (?:your )?answers (?:should be|are)$/iu],
  ["health", /^(?:my )?(?:allerg(?:y|ies)|health(?: problems| facts)?|diet)$/iu],
  ["preference", /^(?:my )?(?:preferences|likes(?: and dislikes)?|favou?rites)$/iu],
];

const EMPTY_WORDS = new Set(
  "i i'm im am is are was my me mine you your the a an to of in on at for with that this it and or not do don't does like likes love loves hate hates prefer prefers enjoy want have has had allergic allergy called user use about please anymore more".split(
    " ",
  ),
);

/** What the words after "forget" are about; null when they name nothing ("forget it", "forget about that"). */
export function forgetTopic(about: string): FactTopic | null {
  const text = about.replace(/,? (?:please|again|now|anymore|any more)$/iu, "").trim();
  for (const [kind, pattern] of KIND_WORDS) if (pattern.test(text)) return { kind, words: null };
  if (/^(?:you (?:can |should )?)?(?:call me|my (?:first |full )?name)\b/iu.test(text))
    return { kind: "name", words: null };
  const words = contentWords(text);
  return words.length === 0 ? null : { kind: null, words };
}

/** True when the fact is what "forget ..." was about: of that kind, or holding every content word. */
export function isAbout(topic: FactTopic, fact: Pick<Fact, "kind" | "statement" | "value">): boolean {
  if (topic.kind !== null) return fact.kind === topic.kind;
  const held = new Set(contentWords(`${fact.value} ${fact.statement}`).map(stem));
  return topic.words.every((word) => held.has(stem(word)));
}

function favouriteSlot(value: string): string | null {
  return /^favourite (.+?):/.exec(value)?.[1] ?? null;
}

/** Words to aim at for a wished answer length; null for anything but an `answer_length` fact. */
export function wishedAnswerWords(fact: Pick<Fact, "kind" | "value">): number | null {
  if (fact.kind !== "answer_length") return null;
  const words: Readonly<Record<string, number>> = { "one sentence": 12, short: 15, long: 80 };
  return words[fact.value] ?? null;
}

function contentWords(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}']+/u)
    .filter((word) => word !== "" && !EMPTY_WORDS.has(word));
}

function stem(word: string): string {
  return word.replace(/(?:'s|ies|es|s|y)$/u, "");
}
