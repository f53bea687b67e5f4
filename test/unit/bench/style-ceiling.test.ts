import { expect, test } from "vitest";
import type { StyleGroup } from "../../../bench/personalisation/style.ts";
import { styleCeiling } from "../../../bench/personalisation/style-ceiling.ts";
import { seededRandom } from "../../../src/adapt/seeded-random.ts";

const STYLES = ["calm", "loud", "asking", "formal", "sparse"];
const MARKS: Readonly<Record<string, string>> = { calm: ".", loud: "!!", asking: "?", formal: ";", sparse: "-" };
const WORDS = ["rain", "bread", "train", "garden", "window", "river", "paper", "stone"];

/** @param mark what stands behind an answer of a style. */
function groups(mark: (style: string) => string): StyleGroup[] {
  const random = seededRandom(11);
  const word = () => WORDS[Math.floor(random() * WORDS.length)] ?? "";
  return Array.from({ length: 40 }, (_, group) => ({
    group,
    answers: Object.fromEntries(STYLES.map((style) => [style, `${word()} ${word()} ${word()}${mark(style)}`])),
    questions: ["What now?"],
  }));
}

test("a style that shows in its punctuation is found in nearly all unseen groups", () => {
  const { fromRatings, fromAllStyles, fromOtherGroups, distinct } = styleCeiling(
    groups((style) => MARKS[style] ?? ""),
    [1],
  );
  expect(distinct).toBe(1);
  expect(fromOtherGroups).toBeGreaterThan(0.95);
  expect(fromAllStyles).toBeGreaterThan(0.95);
  expect(fromRatings).toBeGreaterThan(0.8);
});

test("a style that shows in nothing is found by chance only", () => {
  const { fromRatings, fromAllStyles, fromOtherGroups } = styleCeiling(
    groups(() => ""),
    [1, 2],
  );
  for (const share of [fromRatings, fromAllStyles, fromOtherGroups]) {
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.34);
  }
});

test("an answer that two styles give alike is first for neither", () => {
  const alike = groups((style) => MARKS[style] ?? "").map(({ answers, ...group }) => ({
    ...group,
    answers: { ...answers, loud: answers.calm ?? "" },
  }));
  const { fromOtherGroups, distinct } = styleCeiling(alike, [1]);
  expect(distinct).toBeCloseTo(0.6);
  expect(fromOtherGroups).toBeLessThanOrEqual(0.6);
});
