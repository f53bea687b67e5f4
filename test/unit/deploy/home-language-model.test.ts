import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { homeCorpus, homeVocabulary, readHomeGrammar } from "../../../deploy/home-language-model/home-corpus.ts";
import { parsePhrase, sample, seededRandom } from "../../../deploy/home-language-model/phrase-grammar.ts";
import { SENTENCE_END, TrigramModel } from "../../../deploy/home-language-model/trigram-model.ts";
import { packageRoot } from "../../../src/core/built-file.ts";

describe("phrase grammar", () => {
  test("a choice, an option and a slot give all their sentences and no other", () => {
    const phrase = parsePhrase("[please] (turn|switch) on the {room} light");
    const slots = new Map([["room", parsePhrase("kitchen | living room")]]);
    const random = seededRandom(1);
    const seen = new Set(Array.from({ length: 500 }, () => sample(phrase, slots, random).join(" ")));
    expect([...seen].sort()).toEqual(
      ["", "please "]
        .flatMap((please) => ["turn", "switch"].map((verb) => `${please}${verb}`))
        .flatMap((start) => ["kitchen", "living room"].map((room) => `${start} on the ${room} light`))
        .sort(),
    );
  });

  test.each(["(a|b", "a)", "[a", "a | | b", "()", "a 5 b", "{Room}"])("%j is refused", (text) => {
    expect(() => parsePhrase(text)).toThrow(/bad template/);
  });

  test("a slot that is not defined is refused by name", () => {
    expect(() => sample(parsePhrase("the {roof}"), new Map(), seededRandom(1))).toThrow(/roof/);
  });
});

describe("trigram model", () => {
  const sentences = ["turn on the light", "turn off the light", "turn on the radio"].map((text) => text.split(" "));
  const model = new TrigramModel(sentences, ["zebra"]);
  const vocabulary = ["turn", "on", "off", "the", "light", "radio", "zebra"];

  test("probabilities over every word and the sentence end add up to 1 after any history", () => {
    for (const history of [[], ["<s>"], ["<s>", "turn"], ["the"], ["on", "the"], ["zebra", "radio"]]) {
      const sum = [...vocabulary, SENTENCE_END].reduce((total, word) => total + model.probability(history, word), 0);
      expect(sum).toBeCloseTo(1, 10);
    }
  });

  test("Witten-Bell by hand: after `on the`, light 1 of 2 seen with 2 types", () => {
    const lower = model.probability(["the"], "light");
    expect(model.probability(["on", "the"], "light")).toBeCloseTo((1 + 2 * lower) / (2 + 2), 12);
  });

  test("a word that never occurred is possible, and less likely than one that did", () => {
    expect(model.probability(["the"], "zebra")).toBeGreaterThan(0);
    expect(model.probability(["the"], "zebra")).toBeLessThan(model.probability(["the"], "radio"));
  });

  test("the ARPA text gives the model's own probability through its back-off weights", () => {
    const { ngrams, backoffs } = readArpa(model.toArpa());
    for (const [history, word] of [
      [["on", "the"], "radio"],
      [["off", "the"], "radio"],
      [["zebra", "the"], "zebra"],
      [["turn", "zebra"], "light"],
    ] as const) {
      expect(arpaLog10(ngrams, backoffs, history, word)).toBeCloseTo(Math.log10(model.probability(history, word)), 3);
    }
  });
});

describe("home grammar", () => {
  const grammar = readHomeGrammar(`${packageRoot}deploy/home-language-model`);

  const corpus = homeCorpus(grammar);
  const vocabulary = new Set(homeVocabulary(grammar));

  test("its corpus of more than 50,000 sentences is the same every time, within its vocabulary", () => {
    expect(corpus.length).toBeGreaterThan(50_000);
    expect(homeCorpus(grammar)).toEqual(corpus);
    expect(corpus.flat().filter((word) => !vocabulary.has(word))).toEqual([]);
  });

  test("every word of the held-out commands can be recognised", () => {
    const commands = readFileSync(`${packageRoot}bench/speech/commands.txt`, "utf8").replace(/^#.*$/gm, "");
    expect(commands.match(/[a-z']+/g)?.filter((word) => !vocabulary.has(word))).toEqual([]);
  });

  test.each(["call me sam", "set a timer for ten minutes", "that was wrong", "you may remember what i say"])(
    "%j is in the corpus",
    (sentence) => {
      expect(corpus.some((words) => words.join(" ") === sentence)).toBe(true);
    },
  );
});

interface Arpa {
  readonly ngrams: ReadonlyMap<string, number>;
  readonly backoffs: ReadonlyMap<string, number>;
}

function readArpa(text: string): Arpa {
  const ngrams = new Map<string, number>();
  const backoffs = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [probability, words, backoff] = line.split("\t");
    if (words === undefined) continue;
    ngrams.set(words, Number(probability));
    if (backoff !== undefined) backoffs.set(words, Number(backoff));
  }
  return { ngrams, backoffs };
}

function arpaLog10(
  ngrams: Arpa["ngrams"],
  backoffs: Arpa["backoffs"],
  history: readonly string[],
  word: string,
): number {
  const known = ngrams.get([...history, word].join(" "));
  if (known !== undefined || history.length === 0) return known ?? Number.NaN;
  return (backoffs.get(history.join(" ")) ?? 0) + arpaLog10(ngrams, backoffs, history.slice(1), word);
}
