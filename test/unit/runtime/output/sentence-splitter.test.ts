import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_SENTENCE_CHARS, SentenceSplitter } from "../../../../src/runtime/output/sentence-splitter.ts";

function split(text: string, maxChars?: number): string[] {
  const splitter = new SentenceSplitter(maxChars);
  return [...splitter.push(text), ...splitter.end()];
}

test("the first sentence is there as soon as white space follows its full stop", () => {
  const splitter = new SentenceSplitter();
  expect(splitter.push("The lights are on.")).toEqual([]);
  expect(splitter.push(" Any")).toEqual(["The lights are on."]);
  expect(splitter.push("thing else")).toEqual([]);
  expect(splitter.end()).toEqual(["Anything else"]);
  expect(splitter.end()).toEqual([]);
});

test.each([
  ["Really? Yes! Good… fine.", ["Really?", "Yes!", "Good…", "fine."]],
  ["It is 21.5 degrees. Take care.", ["It is 21.5 degrees.", "Take care."]],
  ["Dr. Smith met Mr. Jones. They left.", ["Dr. Smith met Mr. Jones.", "They left."]],
  ["Fruit, e.g. apples, is fine. Bye.", ["Fruit, e.g. apples, is fine.", "Bye."]],
  ["J. R. Smith called. It was I. Good.", ["J. R. Smith called.", "It was I.", "Good."]],
  ["It is 9 a.m. in Rome.", ["It is 9 a.m. in Rome."]],
  ["It is 9 a.m. You are late.", ["It is 9 a.m.", "You are late."]],
  ['He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]],
  ["1. Open it. 2. Close it.", ["1. Open it.", "2. Close it."]],
  ["Steps:\nOpen it\n\nClose it\n", ["Steps:", "Open it", "Close it"]],
  ["Wait... what?", ["Wait...", "what?"]],
  ["  \n ", []],
  ["", []],
])("%j is %j", (text, sentences) => {
  expect(split(text)).toEqual(sentences);
});

test("a run-on of 1000 characters is cut at clauses, none longer than the limit", () => {
  const sentences = split("and then we went on, ".repeat(50));
  expect(sentences.length).toBeGreaterThan(3);
  for (const sentence of sentences) expect(sentence.length).toBeLessThanOrEqual(MAX_SENTENCE_CHARS);
  for (const sentence of sentences) expect(sentence).toMatch(/,$/);
});

test("a single word of 1000 characters is cut at the limit", () => {
  for (const sentence of split("x".repeat(1000), 100)) expect(sentence.length).toBeLessThanOrEqual(101);
});

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(". ", "! ", " ", ", ", "a.m. ", "Dr. ", "3.5", "\n", '." ', "I. ", "🙂", "Ärger "),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

test("the sentences do not depend on how the text was cut into pieces", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(400)), (text, cuts) => {
      const splitter = new SentenceSplitter(60);
      const sentences: string[] = [];
      const characters = [...text];
      const at = [...new Set(cuts.map((cut) => Math.min(cut, characters.length)))].sort((a, b) => a - b);
      let from = 0;
      for (const to of [...at, characters.length]) {
        sentences.push(...splitter.push(characters.slice(from, to).join("")));
        from = to;
      }
      expect([...sentences, ...splitter.end()]).toEqual(split(text, 60));
    }),
  );
});

test("nothing but white space is lost", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(split(text, 60).join("").replace(/\s/gu, "")).toBe(text.replace(/\s/gu, ""));
    }),
  );
});
