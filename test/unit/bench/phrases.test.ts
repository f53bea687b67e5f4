import { expect, test } from "vitest";
import type { EncodedDialogue } from "../../../bench/personalisation/dialogue-encoder.ts";
import { DialogueMemory } from "../../../bench/personalisation/phrases.ts";
import { windowsOf } from "../../../bench/personalisation/windows.ts";
import { PhraseMemory } from "../../../src/runtime/llm/phrase-memory.ts";
import { PhraseMixture } from "../../../src/runtime/llm/phrase-mixture.ts";

/** Turns of [0 or 1, word, word, 99]: whose turn it is, two words, the end of the turn. */
function dialogue(...turns: readonly (readonly [number, number])[]): EncodedDialogue {
  const spans = turns.map((_, i): [number, number] => [4 * i + 1, 4 * i + 4]);
  return {
    tokens: turns.flatMap(([a, b], i) => [i % 2, a, b, 99]),
    learned: spans,
    own: spans.map(([from, to]) => [from, to - 1]),
    words: 2 * turns.length,
  };
}

const OF_MODEL = 0.1;

/** Measured by a model that gives every token the same probability. */
function nats(memory: DialogueMemory, encoded: EncodedDialogue): number {
  const windows = windowsOf(encoded, encoded.own, { tokens: 8, overlap: 4 }).map((window) => ({
    window,
    losses: window.spans.flatMap(([from, to]) => Array.from({ length: to - from }, () => -Math.log(OF_MODEL))),
  }));
  return memory.nats(encoded, windows);
}

const plain = (encoded: EncodedDialogue) => encoded.words * -Math.log(OF_MODEL);
const song = dialogue([5, 6], [7, 8]);

test("what was said before helps when it comes again, and only with the scope `own`", () => {
  expect(nats(new DialogueMemory("own", [song]), song)).toBeLessThan(plain(song));
  expect(nats(new DialogueMemory("dialogue", [song]), song)).toBeCloseTo(plain(song), 10);
});

test("a turn is known from the next turn on, not within itself", () => {
  const within = dialogue([5, 5], [7, 8]);
  expect(nats(new DialogueMemory("dialogue", []), within)).toBeCloseTo(plain(within), 10);
  const echo = dialogue([5, 6], [5, 6]);
  const said = new PhraseMixture(new PhraseMemory(), [[0, 5, 6, 99, 1]]);
  const second = [0, 5, 6, 99, 1];
  expect(nats(new DialogueMemory("dialogue", []), echo)).toBeCloseTo(
    -2 * Math.log(OF_MODEL) -
      Math.log(said.probability(second, 5, OF_MODEL)) -
      Math.log(said.probability([...second, 5], 6, OF_MODEL)),
    10,
  );
  const later = dialogue([5, 6], [7, 8], [5, 6]);
  const memory = new PhraseMemory();
  const exchange = [0, 5, 6, 99, 1, 7, 8, 99];
  memory.add(exchange);
  const phrases = new PhraseMixture(memory, [exchange, [0]]);
  // The last turn is read behind its window's history: two turns of 8 tokens hold one before it.
  const history = [1, 7, 8, 99, 0];
  const expected =
    -4 * Math.log(OF_MODEL) -
    Math.log(phrases.probability(history, 5, OF_MODEL)) -
    Math.log(phrases.probability([...history, 5], 6, OF_MODEL));
  expect(nats(new DialogueMemory("dialogue", []), later)).toBeCloseTo(expected, 10);
});

test("with the scope `dialogue` the next dialogue begins anew, with `own` it does not", () => {
  const [ofDialogue, own] = [new DialogueMemory("dialogue", []), new DialogueMemory("own", [])];
  for (const memory of [ofDialogue, own]) nats(memory, song);
  expect(nats(ofDialogue, song)).toBeCloseTo(plain(song), 10);
  expect(nats(own, song)).toBeLessThan(plain(song));
});
