import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fact, FactKind } from "../../../src/profile/ports.ts";
import { factsWithin, preferredAnswerWords, takeWithin } from "../../../src/profile/prompt-context.ts";
import { addValue, NO_MOMENTS } from "../../../src/profile/running-moments.ts";

function fact(kind: FactKind, value: string, updatedAtMs = 0): Fact {
  return { id: `f_${value}`, kind, value, statement: `${kind} ${value}`, interactionId: null, updatedAtMs };
}

const words = (text: string) => text.split(" ").length;

describe("factsWithin", () => {
  test("puts the most stable first: name, health, unit, length, then preferences in the order they were learned", () => {
    const facts = [
      fact("preference", "tea", 5),
      fact("answer_length", "short", 1),
      fact("preference", "jazz", 2),
      fact("unit", "celsius", 9),
      fact("health", "nuts", 7),
      fact("name", "Sam", 8),
    ];
    expect(factsWithin(facts, 100, words).map(({ value }) => value)).toEqual([
      "Sam",
      "nuts",
      "celsius",
      "short",
      "jazz",
      "tea",
    ]);
  });

  test("a new preference is appended: what stood in the prompt before stays its prefix", () => {
    const facts = [fact("name", "Sam", 1), fact("preference", "jazz", 2)];
    const before = factsWithin(facts, 100, words);
    const after = factsWithin([...facts, fact("preference", "tea", 3)], 100, words);
    expect(after.slice(0, before.length)).toEqual(before);
  });

  test("when 6 tokens hold three of four facts, the oldest preference stays out", () => {
    const facts = [
      fact("preference", "old", 1),
      fact("preference", "new", 2),
      fact("name", "Sam"),
      fact("preference", "mid", 1.5),
    ];
    expect(factsWithin(facts, 6, words).map(({ value }) => value)).toEqual(["Sam", "mid", "new"]);
  });
});

test("takeWithin never exceeds the budget and keeps the order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 0, max: 100 }), (items, budget) => {
      const taken = takeWithin(items, budget, (item) => item);
      let from = 0;
      for (const item of taken) from = items.indexOf(item, from) + 1;
      return taken.reduce((sum, item) => sum + item, 0) <= budget && (taken.length === 0 || from > 0);
    }),
  );
});

describe("preferredAnswerWords", () => {
  const approved = (...lengths: number[]) => lengths.reduce(addValue, NO_MOMENTS);

  test("is the wish when there is one: short = 15 words, one sentence = 12, long = 80", () => {
    expect(preferredAnswerWords([fact("answer_length", "short")], approved(50, 50, 50, 50, 50))).toBe(15);
    expect(preferredAnswerWords([fact("answer_length", "one sentence")], NO_MOMENTS)).toBe(12);
    expect(preferredAnswerWords([fact("answer_length", "long")], NO_MOMENTS)).toBe(80);
  });

  test("is the mean of five approved answers, unknown below five", () => {
    expect(preferredAnswerWords([], approved(10, 20, 30, 40))).toBeNull();
    expect(preferredAnswerWords([], approved(10, 20, 30, 40, 51))).toBe(30);
  });
});
