import { forgetTopic, type LearnableFact, slotValue } from "./fact-rules.ts";
import type { FactTopic } from "./ports.ts";

/** What a turn says about the user. */
export type FactStatement =
  | { readonly kind: "learn"; readonly fact: LearnableFact }
  /** "Forget that ...": facts that match the topic are to be deleted. */
  | { readonly kind: "forget"; readonly topic: FactTopic }
  /** "Forget everything about me": the caller asks for confirmation and erases the profile. */
  | { readonly kind: "forget_all" };

/** Statements about oneself are short; this also bounds the work for hostile input. */
const LONGEST = 500;

const LEAD_IN =
  /^(?:(?:hey|hi|hello|well|okay|ok|so|and|but|also|please|by the way|actually|oh|yes|no|remember(?: that)?|note that|you should know(?: that)?|just so you know|from now on|can you|could you|would you)[\s,]+)+/iu;

type Rule = readonly [pattern: RegExp, build: (groups: readonly string[]) => LearnableFact | null];

const RULES: readonly Rule[] = [
  [/^(?:you (?:can|may|should) )?call me (.+)$/iu, ([name = ""]) => nameFact(name)],
  [/^my (?:first |full )?name(?: is|'s) (.+)$/iu, ([name = ""]) => nameFact(name)],
  [/^(?:i am|i'm) (?:called|named) (.+)$/iu, ([name = ""]) => nameFact(name)],
  [
    /^(?:(?:give me|use|i (?:want|prefer|like)|i'd (?:like|prefer)|make|keep) )?(?:your |the |it |them )?(?:a bit |a little |much )?(shorter|short|briefer|brief|concise)(?: (?:answers?|replies|reply|responses?|sentences))?(?: please)?$/iu,
    () => lengthFact("short"),
  ],
  [
    /^(?:be|keep (?:it|your answers)|answer(?: more)?) (?:more )?(?:brief|briefly|short|concise|concisely)(?: please)?$/iu,
    () => lengthFact("short"),
  ],
  [
    /^(?:answer|reply|respond)(?: me)? (?:in|with) (?:one|a single) sentence(?: please)?$/iu,
    () => lengthFact("one sentence"),
  ],
  [/^(?:give me )?less detail(?:s|ed answers)?(?: please)?$/iu, () => lengthFact("short")],
  [
    /^(?:(?:give me|use|i (?:want|prefer|like)|i'd (?:like|prefer)|make) )?(?:your |the |it |them )?(?:a bit |a little |much )?(?:longer|long|more detailed|detailed)(?: (?:answers?|replies|reply|responses?))?(?: please)?$/iu,
    () => lengthFact("long"),
  ],
  [/^(?:give me )?more details?(?: in your answers)?(?: please)?$/iu, () => lengthFact("long")],
  [
    /^(?:use|give me|speak in|talk in|switch to|change to|i (?:use|prefer)|tell me the (?:temperature|time|weather|distance) in|(?:always )?answer in) (?:the |degrees )?(celsius|centigrade|fahrenheit|metric|imperial|kilometers|kilometres|miles|(?:24|twenty[- ]four|12|twelve)[- ]hour)(?: (?:units|degrees|clock|format|time|system|instead))*(?: please)?$/iu,
    ([unit = ""]) => unitFact(unit),
  ],
  [
    /^(?:i am|i'm) (?:severely |very |badly )?allergic to (.+)$/iu,
    ([what = ""]) => healthFact(`is allergic to ${what}`, what),
  ],
  [
    /^i have (?:an? )?(.+?) allergy$/iu,
    ([what = ""]) => healthFact(`has ${/^[aeiou]/i.test(what) ? "an" : "a"} ${what} allergy`, what),
  ],
  [
    /^(?:i am|i'm) (?:a )?(diabetic|asthmatic|coeliac|celiac|epileptic|vegetarian|vegan|pregnant|lactose intolerant|gluten intolerant|colou?r[- ]?blind|blind|deaf|hard of hearing|dyslexic)$/iu,
    ([what = ""]) => healthFact(`is ${what.toLowerCase()}`, what),
  ],
  [
    /^i have (?:an? )?(diabetes|asthma|epilepsy|coeliac disease|celiac disease|high blood pressure|low blood pressure|migraines?|arthritis|hay fever|tinnitus|insomnia|a heart condition|heart condition|bad back|pacemaker)$/iu,
    ([what = ""]) => healthFact(`has ${what.toLowerCase()}`, what),
  ],
  [/^i (?:can't|cannot|can not|must not|mustn't) eat (.+)$/iu, ([what = ""]) => healthFact(`cannot eat ${what}`, what)],
  [/^i(?: do not| don't) eat (.+)$/iu, ([what = ""]) => healthFact(`does not eat ${what}`, what)],
  [/^my favou?rite (.+?) (?:is|are) (.+)$/iu, ([what = "", value = ""]) => favouriteFact(what, value)],
  [
    /^i (?:really |absolutely |also |just )?(?:hate|dislike|can't stand|cannot stand|do not like|don't like|don't really like) (.+)$/iu,
    ([what = ""]) => preferenceFact("does not like", what),
  ],
  [/^i (?:really |absolutely |also |just )?prefer (.+)$/iu, ([what = ""]) => preferenceFact("prefers", what)],
  [
    /^i (?:really |absolutely |also |just )?(?:like|love|enjoy|adore) (.+)$/iu,
    ([what = ""]) => preferenceFact("likes", what),
  ],
];

const FORGET_ALL =
  /^(?:forget|delete|erase) (?:everything|all)(?: (?:that )?(?:you (?:know|learned|have)|i (?:said|told you)))?(?: about me| you know about me)?$|^forget me$|^(?:delete|erase) my (?:profile|data)$/iu;
const FORGET =
  /^(?:forget|don't remember|do not remember) (?:that |about |what i (?:said|told you) about |the fact that )?(.+)$/iu;

/**
 * Facts about the user in a turn's words, in order. Rule-based and English; works on a recogniser's output ("call me sam")
 * and on typed text ("Hi! My name's Sam, and I love jazz."). Questions and anything conditional teach nothing.
 */
export function extractFacts(text: string): readonly FactStatement[] {
  if (text.length > LONGEST) return [];
  return clausesOf(text).flatMap((clause): FactStatement[] => {
    if (FORGET_ALL.test(clause)) return [{ kind: "forget_all" }];
    const about = FORGET.exec(clause)?.[1];
    if (about !== undefined) {
      const topic = forgetTopic(about);
      return topic === null ? [] : [{ kind: "forget", topic }];
    }
    for (const [pattern, build] of RULES) {
      const found = pattern.exec(clause);
      const fact = found ? build(found.slice(1)) : null;
      if (fact) return [{ kind: "learn", fact }];
    }
    return [];
  });
}

function clausesOf(text: string): string[] {
  const sentences = text
    .replace(/[’`]/g, "'")
    .replace(/\s+/g, " ")
    .split(/(?<=[.!?;])\s+|(?:,\s*|\s+)(?:and|but)\s+(?=(?:i|i'm|my|call|please|use)\b)|,\s+(?=(?:i|i'm|my|call)\b)/iu);
  return sentences.flatMap((sentence) => {
    if (/\?\s*$/.test(sentence)) return [];
    const clause = sentence
      .trim()
      .replace(/[.!;,]+$/u, "")
      .replace(LEAD_IN, "")
      .replace(/,? (?:from now on|instead|if you can|okay|ok|thanks|thank you)$/iu, "")
      .trim();
    return clause === "" || /\bif\b/iu.test(clause) ? [] : [clause];
  });
}

/** "Call me back", "call me a taxi", "call me when it is done": not names. */
const NOT_A_NAME =
  /^(?:back|later|again|when|if|at|in|on|a|an|the|as|maybe|tomorrow|tonight|today|now|soon|crazy|mad|stupid|up|out|by|anything|whatever|what|not|after|before|to|is|my|your|and|please|over|every|any|some)\b/iu;

function nameFact(raw: string): LearnableFact | null {
  const name = raw
    .replace(/,? (?:please|now|instead)$/iu, "")
    .replace(/^(?:mister|mr\.?) /iu, "Mr ")
    .trim();
  const words = name.split(" ");
  if (NOT_A_NAME.test(name) || words.length > 3 || !/^[\p{L}][\p{L}\p{M}' .-]*$/u.test(name)) return null;
  // A recogniser writes names in lower case; whoever typed a capital knows better.
  const value = /\p{Lu}/u.test(name) ? name : words.map(capitalised).join(" ");
  return { kind: "name", value, statement: `The user's name is ${value}.` };
}

function lengthFact(value: "short" | "long" | "one sentence"): LearnableFact {
  const statement =
    value === "one sentence" ? "The user wants answers of one sentence." : `The user wants ${value} answers.`;
  return { kind: "answer_length", value, statement };
}

const UNIT_STATEMENTS: Readonly<Record<string, readonly [value: string, statement: string]>> = {
  celsius: ["celsius", "The user wants temperatures in Celsius."],
  centigrade: ["celsius", "The user wants temperatures in Celsius."],
  fahrenheit: ["fahrenheit", "The user wants temperatures in Fahrenheit."],
  metric: ["metric", "The user wants metric units."],
  imperial: ["imperial", "The user wants imperial units."],
  kilometers: ["kilometres", "The user wants distances in kilometres."],
  kilometres: ["kilometres", "The user wants distances in kilometres."],
  miles: ["miles", "The user wants distances in miles."],
  "24 hour": ["24 hour", "The user wants the 24-hour clock."],
  "twenty four hour": ["24 hour", "The user wants the 24-hour clock."],
  "12 hour": ["12 hour", "The user wants the 12-hour clock."],
  "twelve hour": ["12 hour", "The user wants the 12-hour clock."],
};

function unitFact(raw: string): LearnableFact | null {
  const row = UNIT_STATEMENTS[raw.toLowerCase().replace(/-/g, " ")];
  return row ? { kind: "unit", value: row[0], statement: row[1] } : null;
}

function healthFact(predicate: string, raw: string): LearnableFact | null {
  const value = slotValue(raw);
  return value === "" ? null : { kind: "health", value, statement: `The user ${inThirdPerson(predicate)}.` };
}

/** "I like that", "I like to know ...", "I love you": about the conversation, not about the user. */
const NOT_A_PREFERENCE =
  /^(?:that|this|it|you|your|how|what|when|where|the (?:answer|sound|idea)|to (?:know|hear|see|ask)|them|those|these)\b/iu;

function preferenceFact(predicate: string, raw: string): LearnableFact | null {
  const what = raw.replace(/,? (?:a lot|very much|so much|the most|please|too|as well)$/iu, "").trim();
  const value = slotValue(what);
  if (value === "" || NOT_A_PREFERENCE.test(what) || what.split(" ").length > 12) return null;
  return { kind: "preference", value, statement: `The user ${predicate} ${inThirdPerson(what)}.` };
}

function favouriteFact(what: string, value: string): LearnableFact | null {
  if (what.split(" ").length > 4 || value.split(" ").length > 10) return null;
  const statement = `The user's favourite ${inThirdPerson(what)} is ${inThirdPerson(value)}.`;
  return { kind: "preference", value: `favourite ${slotValue(what)}: ${slotValue(value)}`, statement };
}

function inThirdPerson(text: string): string {
  return text
    .replace(/\bmy\b/giu, "their")
    .replace(/\bmyself\b/giu, "themselves")
    .replace(/\bmine\b/giu, "theirs")
    .replace(/\b(?:me)\b/giu, "them")
    .replace(/\bi am\b|\bi'm\b/giu, "they are")
    .replace(/\bi\b/giu, "they");
}

function capitalised(word: string): string {
  return word.replace(/^\p{Ll}/u, (first) => first.toUpperCase());
}
