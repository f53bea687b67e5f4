import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideGate, decideMicroGate, type PairedLoss, pairedBootstrap } from "../../../src/adapt/gate.ts";
import { nextRate, startRate, surpriseOf } from "../../../src/adapt/learning-rate.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";

const gate = { ...DEFAULT_TRAINING_SETTINGS.gate, generalCeiling: 0.02 };
const rates = { ...DEFAULT_TRAINING_SETTINGS.learningRate, baseLr: 1e-3, minLr: 1e-4, maxLr: 2e-3, patience: 2 };

const losses = (differences: readonly number[], tokens = 10): PairedLoss[] =>
  differences.map((difference) => ({ before: 3, after: 3 + difference, tokens }));
const same = losses([0, 0, 0, 0, 0]);

describe("gate", () => {
  test("a clear gain on held-out words with general text unchanged is promoted", () => {
    const decision = decideGate(losses([-0.3, -0.25, -0.2, -0.3, -0.28, -0.22]), same, gate, 1);
    expect(decision).toMatchObject({ promoted: true, reasons: [] });
    expect(decision.heldOut.high).toBeLessThan(0);
  });

  test("a mean gain whose interval reaches zero is refused", () => {
    const decision = decideGate(losses([-1, 0.8, -0.9, 0.7, -0.5, 0.4]), same, gate, 1);
    expect(decision.heldOut.mean).toBeLessThan(0);
    expect(decision).toMatchObject({ promoted: false, reasons: ["no_clear_gain"] });
  });

  test("general text 3 % more perplexing than the base is refused at a ceiling of 2 %", () => {
    const general = losses(Array.from({ length: 8 }, () => Math.log(1.03)));
    const decision = decideGate(losses([-0.3, -0.2, -0.3, -0.2, -0.3]), general, gate, 1);
    expect(decision.generalRise).toBeCloseTo(0.03, 6);
    expect(decision).toMatchObject({ promoted: false, reasons: ["forgets_general_text"] });
  });

  test("4 held-out examples are too few at a minimum of 5", () => {
    expect(decideGate(losses([-1, -1, -1, -1]), same, gate, 1).reasons).toContain("too_few_held_out");
  });

  test("a micro-update may raise the perplexity of other words by its ceiling, and not clearly by more", () => {
    const micro = { ...gate, wordsCeiling: 0.01 };
    const rise = (share: number) => losses(Array.from({ length: 12 }, () => Math.log1p(share)));
    const learned = losses([-0.5]);
    expect(decideMicroGate(learned, rise(0.009), same, micro, 1).reasons).toEqual([]);
    expect(decideMicroGate(learned, rise(0.011), same, micro, 1).reasons).toEqual(["harms_other_words"]);
    const perhaps = losses([0.3, -0.2, 0.2, -0.1]); // worse on average, and as well by chance
    expect(decideMicroGate(learned, perhaps, same, micro, 1).reasons).toEqual([]);
    expect(decideMicroGate(losses([0.01]), same, same, micro, 1).reasons).toEqual(["correction_not_learned"]);
  });

  test("a loss that is no number is never promoted", () => {
    const broken = [...losses([-1, -1, -1, -1, -1]), { before: 3, after: Number.NaN, tokens: 5 }];
    expect(decideGate(broken, same, gate, 1)).toMatchObject({ promoted: false });
  });

  test("the mean weighs each example by its tokens", () => {
    const pairs = [...losses([-1], 90), ...losses([1], 10)];
    expect(pairedBootstrap(pairs, 0.95, 100, 1).mean).toBeCloseTo(-0.8, 10);
  });

  test("the interval holds the mean, follows the seed, and swaps sign with the direction", () => {
    const pairs = fc.array(
      fc.record({ d: fc.double({ min: -2, max: 2, noNaN: true }), tokens: fc.integer({ min: 1, max: 40 }) }),
      {
        minLength: 2,
        maxLength: 25,
      },
    );
    fc.assert(
      fc.property(pairs, fc.nat(), (rows, seed) => {
        const forward = rows.map(({ d, tokens }) => ({ before: 3, after: 3 + d, tokens }));
        const backward = rows.map(({ d, tokens }) => ({ before: 3 + d, after: 3, tokens }));
        const one = pairedBootstrap(forward, 0.95, 200, seed);
        expect(pairedBootstrap(forward, 0.95, 200, seed)).toEqual(one);
        expect(one.low).toBeLessThanOrEqual(one.high);
        expect(pairedBootstrap(backward, 0.95, 200, seed).mean).toBeCloseTo(-one.mean, 9);
      }),
      { numRuns: 40 },
    );
  });

  test("covers the true mean of samples about as often as its confidence says", () => {
    // 200 samples of 30 differences from a uniform distribution around -0.1: about 95 % of the intervals hold it.
    let state = 12345;
    const uniform = () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state / 2 ** 32;
    };
    let covered = 0;
    for (let sample = 0; sample < 200; sample += 1) {
      const drawn = losses(Array.from({ length: 30 }, () => -0.1 + (uniform() - 0.5)));
      const { low, high } = pairedBootstrap(drawn, 0.95, 300, sample);
      if (low <= -0.1 && -0.1 <= high) covered += 1;
    }
    expect(covered).toBeGreaterThan(176);
    expect(covered).toBeLessThanOrEqual(200);
  });
});

describe("learning rate", () => {
  test("feedback that surprises twice as much as the rest gives surprise 2", () => {
    const ordinary = Array.from({ length: 10 }, () => ({ loss: 2, isFeedback: false }));
    expect(surpriseOf([...ordinary, { loss: 4, isFeedback: true }])).toBeCloseTo(2, 10);
    expect(surpriseOf(ordinary)).toBe(1);
  });

  test("surprise 4 doubles the first rate at gain 0.5, up to its bound", () => {
    const settings = { ...rates, surpriseGain: 0.5 };
    expect(startRate(4, 3, settings).lr).toBeCloseTo(2e-3, 12);
    expect(startRate(100, 3, settings).lr).toBe(2e-3);
    expect(startRate(1e-9, 3, settings).lr).toBe(1e-4);
  });

  test("constant ignores surprise and lack of progress, but still ends", () => {
    const settings = { ...rates, kind: "constant" as const };
    const start = startRate(4, 3, settings);
    const once = nextRate(start, 1, 3.1, settings);
    expect([start.lr, once.lr]).toEqual([1e-3, 1e-3]);
    expect(nextRate(once, 2, 3.2, settings).isFinished).toBe(true);
  });

  test("the rate halves when validation stops falling, and 2 such passes in a row end training at the best pass", () => {
    const start = startRate(1, 3, rates);
    const better = nextRate(start, 1, 2.5, rates);
    expect(better).toMatchObject({ lr: 1e-3, bestPass: 1, stalled: 0, isFinished: false });
    const worse = nextRate(better, 2, 2.6, rates);
    expect(worse).toMatchObject({ lr: 5e-4, bestPass: 1, stalled: 1, isFinished: false });
    expect(nextRate(worse, 3, 2.55, rates)).toMatchObject({ lr: 2.5e-4, bestPass: 1, isFinished: true });
  });

  test("whatever the losses, the rate stays within its bounds and the best pass is the one of the least loss", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1, maxLength: 12 }), (path) => {
        let state = startRate(1, path[0] ?? 1, rates);
        path.slice(1).forEach((loss, i) => {
          state = nextRate(state, i + 1, loss, rates);
          expect(state.lr).toBeGreaterThanOrEqual(rates.minLr);
          expect(state.lr).toBeLessThanOrEqual(rates.maxLr);
        });
        expect(path[state.bestPass]).toBe(Math.min(...path));
      }),
    );
  });
});
