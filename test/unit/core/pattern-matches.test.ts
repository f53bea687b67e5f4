import fc from "fast-check";
import { expect, test } from "vitest";
import { patternMatches } from "../../../src/core/pattern-matches.ts";

const PATTERNS = [/a/g, /ab?/g, /a*/g, /(?<first>a)(b)?/g, /\b/g, /\p{L}+/gu, /$/g, /(?:)/g, /b*/gu];

test("finds what matchAll finds, groups and offsets included, and leaves the pattern as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "b", " ", "ä", "😀", "\n") }), fc.nat(), (text, n) => {
      const pattern = PATTERNS[n % PATTERNS.length] ?? /a/g;
      const found = patternMatches(text, pattern).map((match) => [match.index, [...match], match.groups]);
      expect(found).toEqual(Array.from(text.matchAll(pattern), (match) => [match.index, [...match], match.groups]));
      expect(pattern.lastIndex).toBe(0);
    }),
  );
});

test("works on the pattern itself, not on a copy, which V8 would compile anew", () => {
  const pattern = /a/g;
  let calls = 0;
  pattern.exec = (text) => {
    calls += 1;
    return RegExp.prototype.exec.call(pattern, text);
  };
  expect(patternMatches("a b a", pattern)).toHaveLength(2);
  expect(calls).toBe(3);
});

test("a pattern that was left in the middle of a text begins anew", () => {
  const pattern = /a/g;
  pattern.lastIndex = 2;
  expect(patternMatches("a b a", pattern).map(({ index }) => index)).toEqual([0, 4]);
});
