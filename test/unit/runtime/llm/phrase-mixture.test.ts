import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../src/adapt/seeded-random.ts";
import { PhraseMemory } from "../../../../src/runtime/llm/phrase-memory.ts";
import { PhraseMixture } from "../../../../src/runtime/llm/phrase-mixture.ts";
import { RememberedPhrases } from "../../../../src/runtime/llm/remembered-phrases.ts";

const VOCABULARY = 20;

function remembering(...sequences: readonly number[][]): PhraseMixture {
  return mixtureOf(sequences, []);
}

function mixtureOf(
  remembered: readonly (readonly number[])[],
  conversation: readonly (readonly number[])[],
): PhraseMixture {
  const memory = new PhraseMemory();
  for (const sequence of remembered) memory.add(sequence);
  return new PhraseMixture(memory, conversation);
}

describe("the model mixed with phrases", () => {
  test("an empty one, and an unknown history, leave the model's probability as it is", () => {
    expect(mixtureOf([], []).probability([1, 2], 3, 0.25)).toBe(0.25);
    expect(remembering([1, 2, 3]).probability([9], 3, 0.25)).toBe(0.25);
    expect(remembering([1, 2, 3]).probability([], 3, 0.25)).toBe(0.25);
  });

  test("the probabilities of all tokens sum to 1, whatever is remembered and was said", () => {
    const random = seededRandom(5);
    const draw = () => Math.floor(random() * VOCABULARY);
    for (let round = 0; round < 20; round += 1) {
      const sequences = () => Array.from({ length: 8 }, () => Array.from({ length: 30 }, draw));
      const memory = mixtureOf(sequences(), sequences());
      const history = Array.from({ length: 6 }, draw);
      const model = Array.from({ length: VOCABULARY }, () => random());
      const total = model.reduce((sum, value) => sum + value, 0);
      const sum = model.reduce((mass, value, token) => mass + memory.probability(history, token, value / total), 0);
      expect(sum).toBeCloseTo(1, 10);
    }
  });

  test("a longer known phrase, and one that was always continued alike, counts for more", () => {
    const phrase = [4, 5, 6, 7];
    const memory = remembering(phrase, phrase, phrase);
    const [one, two, three] = [[6], [5, 6], [4, 5, 6]].map((history) => memory.probability(history, 7, 0.01));
    expect(one).toBeGreaterThan(0.01);
    expect(two).toBeGreaterThan(one ?? 1);
    expect(three).toBeGreaterThan(two ?? 1);
    const divided = remembering(phrase, phrase, phrase, [4, 5, 6, 8], [4, 5, 6, 9], [4, 5, 6, 10]);
    expect(divided.probability([4, 5, 6], 7, 0.01)).toBeLessThan(three ?? 0);
  });

  test("what is said again in the present conversation counts for more than what was said once before", () => {
    const said = [4, 5, 6];
    const before = mixtureOf([said, said], []).probability([4, 5], 6, 0.01);
    const now = mixtureOf([said, said], [said, said]).probability([4, 5], 6, 0.01);
    expect(now).toBeGreaterThan(before + 0.1);
  });

  test("what is added to the memory later is known", () => {
    const memory = new PhraseMemory();
    const phrases = new PhraseMixture(memory, []);
    memory.add([1, 2, 3]);
    expect(phrases.probability([1, 2], 3, 0.01)).toBeGreaterThan(0.02);
  });

  test("no phrase reaches from one sequence into the next", () => {
    expect(remembering([1, 2], [3, 4]).probability([1, 2], 3, 0.25)).toBe(0.25);
    expect(remembering([1, 2], [3, 4]).probability([2], 3, 0.25)).toBe(0.25);
  });

  test("draws are from the mixture that `probability` tells: shares of 20,000 draws agree within 2 points", () => {
    const memory = remembering(
      ...Array.from({ length: 12 }, () => [1, 2, 3]),
      ...Array.from({ length: 4 }, () => [1, 2, 4]),
    );
    const random = seededRandom(7);
    const counts = new Map<number, number>();
    const draws = 20_000;
    for (let i = 0; i < draws; i += 1) {
      const token = memory.draw([1, 2], random) ?? 0; // the model always says 0
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    for (const [token, ofModel] of [
      [0, 1],
      [3, 0],
      [4, 0],
    ] as const) {
      const share = (counts.get(token) ?? 0) / draws;
      expect(Math.abs(share - memory.probability([1, 2], token, ofModel))).toBeLessThan(0.02);
    }
    expect(counts.get(3) ?? 0).toBeGreaterThan(0);
  });

  test("greedy: the memory wins where the model is unsure, and not where it is sure", () => {
    const memory = remembering([4, 5, 6, 7], [4, 5, 6, 7], [4, 5, 6, 7]);
    expect(memory.best([4, 5, 6], 1, 0.1)).toBe(7);
    expect(memory.best([4, 5, 6], 1, 1)).toBe(1);
    expect(memory.best([9], 1, 0.1)).toBe(1);
  });
});

describe("remembered exchanges", () => {
  const letters = (messages: readonly { readonly content: string }[]) =>
    messages.flatMap(({ content }) => [...content].map((letter) => letter.charCodeAt(0)));
  const exchange = (id: string, input: string, answer: string | null = null) => ({ id, input, answer });
  const codes = (text: string) => letters([{ content: text }]);

  test("are used only when all of them may be used", async () => {
    const phrases = new RememberedPhrases(letters);
    const within = (...of: string[]) => phrases.within({ of: new Set(of), conversation: ["a"] }, "hello");
    expect(within("a")).toBeNull();
    await phrases.replace([exchange("a", "hello"), exchange("b", "world")]);
    expect(within("a")).toBeNull();
    expect(within("a", "b", "c")).not.toBeNull();
  });

  test("what is taken out of them is forgotten, what is added is known, what was corrected is known as corrected", async () => {
    const phrases = new RememberedPhrases(letters);
    const allowed = { of: new Set(["a", "b"]), conversation: [] };
    const known = (text: string, next: string) =>
      (phrases.within(allowed, "?")?.probability(codes(text), next.charCodeAt(0), 0) ?? 0) > 0;
    await phrases.replace([exchange("a", "tea?", "yes")]);
    expect(known("ye", "s")).toBe(true);
    await phrases.replace([exchange("a", "tea?", "yes"), exchange("b", "more", null)]);
    expect([known("ye", "s"), known("mor", "e")]).toEqual([true, true]);
    await phrases.replace([exchange("a", "tea?", "no"), exchange("b", "more", null)]);
    expect([known("ye", "s"), known("n", "o"), known("mor", "e")]).toEqual([false, true, true]);
    await phrases.replace([exchange("b", "more", null)]);
    expect([known("n", "o"), known("mor", "e")]).toEqual([false, true]);
  });

  test("of the conversation what is remembered counts for more, as it was corrected, and so does what was asked", async () => {
    const phrases = new RememberedPhrases(letters);
    await phrases.replace([exchange("a", "tea?", "no"), exchange("b", "cake?", "yes")]);
    const of = new Set(["a", "b"]);
    const chance = (text: string, next: string, conversation: string[], input: string) =>
      phrases.within({ of, conversation }, input)?.probability(codes(text), next.charCodeAt(0), 0.01) ?? 0;
    expect(chance("ca", "k", ["b"], "!")).toBeGreaterThan(chance("ca", "k", [], "!"));
    expect(chance("ca", "k", ["gone"], "!")).toBe(chance("ca", "k", [], "!"));
    expect(chance("mil", "k", [], "milk!")).toBeGreaterThan(chance("mil", "k", [], "!"));
  });

  test("only what is new is encoded", async () => {
    let encoded = 0;
    const phrases = new RememberedPhrases((messages) => {
      encoded += 1;
      return letters(messages);
    });
    const many = Array.from({ length: 40 }, (_, i) => exchange(`${i}`, `turn ${i}`));
    await phrases.replace(many);
    await phrases.replace([...many, exchange("new", "one more")]);
    expect(encoded).toBe(41);
  });

  test("with the oldest gone and new ones come, turn by turn, they are what they would be if made anew", async () => {
    const random = seededRandom(11);
    const text = () => Array.from({ length: 12 }, () => "abcd "[Math.floor(random() * 5)]).join("");
    const turns = Array.from({ length: 30 }, (_, i) => exchange(`${i}`, text(), text()));
    const sliding = new RememberedPhrases(letters);
    for (let end = 1; end <= turns.length; end += 1) {
      const window = turns.slice(Math.max(0, end - 6), end);
      await sliding.replace(window);
      const anew = new RememberedPhrases(letters);
      await anew.replace(window);
      const allowed = { of: new Set(window.map(({ id }) => id)), conversation: [] };
      const [one, other] = [sliding, anew].map((phrases) => phrases.within(allowed, "?"));
      expect(one).not.toBeNull();
      for (const history of ["a", "ab", " bc", "dcb", "a d a"])
        for (const next of codes("abcd ?"))
          expect(one?.probability(codes(history), next, 0.1)).toBe(other?.probability(codes(history), next, 0.1));
    }
  });
});
