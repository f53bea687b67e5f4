import { readFileSync } from "node:fs";
import { type Phrase, parsePhrase, type Slots, sample, seededRandom, wordsOf } from "./phrase-grammar.ts";

/** Sentences drawn from a template of weight 1. */
const SENTENCES_PER_TEMPLATE = 250;
const SEED = 20_260_105;

export interface HomeGrammar {
  readonly templates: readonly { readonly weight: number; readonly phrase: Phrase }[];
  readonly slots: Slots;
}

/** Reads templates.txt and slots.txt of that folder. @throws Error naming the bad line. */
export function readHomeGrammar(folder: string): HomeGrammar {
  const slots = new Map<string, Phrase>();
  for (const line of contentLines(`${folder}/slots.txt`)) {
    const match = /^([a-z_]+) = (.+)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) throw new Error(`bad slot: ${line}`);
    slots.set(match[1], parsePhrase(match[2]));
  }
  const templates = contentLines(`${folder}/templates.txt`).map((line) => {
    const match = /^(\d+) \* (.+)$/.exec(line);
    return { weight: Number(match?.[1] ?? 1), phrase: parsePhrase(match?.[2] ?? line) };
  });
  return { templates, slots };
}

/** The training text: sentences as words, the same ones every time. */
export function homeCorpus(grammar: HomeGrammar): string[][] {
  const random = seededRandom(SEED);
  const sentences: string[][] = [];
  for (const { weight, phrase } of grammar.templates) {
    for (let i = 0; i < weight * SENTENCES_PER_TEMPLATE; i++) sentences.push(sample(phrase, grammar.slots, random));
  }
  return sentences;
}

/** Every word the grammar can produce, sorted. */
export function homeVocabulary(grammar: HomeGrammar): string[] {
  const phrases = [...grammar.templates.map(({ phrase }) => phrase), ...grammar.slots.values()];
  return [...new Set(phrases.flatMap((phrase) => [...wordsOf(phrase)]))].sort();
}

function contentLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
