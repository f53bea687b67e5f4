import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countTurn, decayed, NO_FREQUENCY } from "../../../src/profile/frequency.ts";
import { addValue, NO_MOMENTS, varianceOf } from "../../../src/profile/running-moments.ts";
import { addTurn, NO_STYLE } from "../../../src/profile/style.ts";

const DAY_MS = 24 * 3_600_000;

describe("running moments", () => {
  test("of 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sample variance 32/7", () => {
    const moments = [2, 4, 4, 4, 5, 5, 7, 9].reduce(addValue, NO_MOMENTS);
    expect(moments.mean).toBeCloseTo(5, 12);
    expect(varianceOf(moments)).toBeCloseTo(32 / 7, 12);
  });

  test("agree with the two-pass formula, also far from zero", () => {
    const values = fc.array(fc.double({ min: 1e6, max: 1e6 + 100, noNaN: true }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(values, (list) => {
        const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
        const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (list.length - 1);
        return Math.abs(varianceOf(list.reduce(addValue, NO_MOMENTS)) - variance) < 1e-4 * (1 + variance);
      }),
    );
  });
});

describe("frequency", () => {
  const turn = (domain: "lights" | "media", hour: number, atMs: number) => ({ domain, hour, atMs });

  test("a turn 30 days ago counts 0.5 at a half-life of 30 days", () => {
    const frequency = countTurn(NO_FREQUENCY, turn("lights", 7, 0), 30 * DAY_MS);
    const now = decayed(frequency, 30 * DAY_MS, 30 * DAY_MS);
    expect(now.domains).toEqual({ lights: 0.5 });
    expect(now.hours[7]).toBe(0.5);
    expect(now.hours.reduce((sum, count) => sum + count, 0)).toBe(0.5);
  });

  test("counts per domain and hour add up", () => {
    const frequency = [turn("lights", 7, 0), turn("lights", 8, 0), turn("media", 8, 0)].reduce(
      (counts, one) => countTurn(counts, one, DAY_MS),
      NO_FREQUENCY,
    );
    expect(frequency.domains).toEqual({ lights: 2, media: 1 });
    expect([frequency.hours[7], frequency.hours[8]]).toEqual([1, 2]);
  });

  test("a clock that goes back by a day makes no count grow", () => {
    const frequency = countTurn(NO_FREQUENCY, turn("lights", 7, 2 * DAY_MS), DAY_MS);
    const back = countTurn(frequency, turn("lights", 7, DAY_MS), DAY_MS);
    expect(back.domains.lights).toBe(2);
    expect(back.atMs).toBe(2 * DAY_MS);
  });
});

describe("style", () => {
  test("a typed turn counts words, punctuation and capitals", () => {
    const style = addTurn(NO_STYLE, "Could you please dim the lights?", "text");
    expect(style.words.mean).toBe(6);
    expect(style.endPunctuation.mean).toBe(1);
    expect(style.capitalStart.mean).toBe(1);
    expect(style.marksPerWord.mean).toBeCloseTo(1 / 6, 12);
    expect(style.formality.mean).toBe(1);
  });

  test("a spoken turn says nothing about punctuation or capitals, which a recogniser does not write", () => {
    const style = addTurn(NO_STYLE, "hey gimme some jazz", "voice");
    expect(style.words.mean).toBe(4);
    expect(style.formality.mean).toBe(-1);
    expect([style.endPunctuation.count, style.capitalStart.count, style.marksPerWord.count]).toEqual([0, 0, 0]);
  });

  test("a button press and an empty text change nothing", () => {
    expect(addTurn(NO_STYLE, "Good night scene", "button")).toBe(NO_STYLE);
    expect(addTurn(NO_STYLE, "  ", "text")).toBe(NO_STYLE);
  });
});
