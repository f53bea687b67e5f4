import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SelectionCandidate, selectExamples } from "../../../src/adapt/selection.ts";
import { splitByTime } from "../../../src/adapt/time-split.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { WorkPerRound } from "../../support/work-per-round.ts";

const base = DEFAULT_TRAINING_SETTINGS.selection;

function candidate(order: number, changes: Partial<SelectionCandidate> = {}): SelectionCandidate {
  const vector = Float32Array.of(1, 0);
  return { id: `e${order}`, domain: "lights", vector, entropy: null, tokens: 10, order, ...changes };
}

const at = (degrees: number) => {
  const radians = (degrees * Math.PI) / 180;
  return Float32Array.of(Math.cos(radians), Math.sin(radians));
};

const idsOf = (chosen: readonly SelectionCandidate[]) => chosen.map(({ id }) => id);

test("everything is taken, oldest first, when it fits the budget of 30 tokens", async () => {
  const pool = [candidate(2), candidate(0), candidate(1)];
  expect(idsOf(await selectExamples(pool, { ...base, tokenBudget: 30 }, 1))).toEqual(["e0", "e1", "e2"]);
});

test("novelty prefers what is unlike the chosen ones: of two twins and a stranger, a twin is left out", async () => {
  const pool = [candidate(0, { vector: at(0) }), candidate(1, { vector: at(1) }), candidate(2, { vector: at(90) })];
  expect(idsOf(await selectExamples(pool, { ...base, tokenBudget: 20 }, 1))).toEqual(["e0", "e2"]);
});

test("entropy decides between equally new examples", async () => {
  const pool = [candidate(0, { entropy: 0.1 }), candidate(1, { entropy: 2 }), candidate(2, { entropy: 0.2 })];
  expect(idsOf(await selectExamples(pool, { ...base, tokenBudget: 10 }, 1))).toEqual(["e1"]);
});

test("a rare domain is served before the second example of a crowded one", async () => {
  const pool = [
    candidate(0, { vector: at(0) }),
    candidate(1, { vector: at(45) }),
    candidate(2, { vector: at(90) }),
    candidate(3, { domain: "media", vector: at(0) }),
  ];
  expect(idsOf(await selectExamples(pool, { ...base, tokenBudget: 20 }, 1))).toContain("e3");
});

test("fifo keeps the newest", async () => {
  const pool = [0, 1, 2, 3].map((order) => candidate(order));
  expect(idsOf(await selectExamples(pool, { ...base, method: "fifo", tokenBudget: 20 }, 1))).toEqual(["e2", "e3"]);
});

test("random is another choice for another seed and the same for the same", async () => {
  const pool = Array.from({ length: 40 }, (_, order) => candidate(order));
  const choose = async (seed: number) =>
    idsOf(await selectExamples(pool, { ...base, method: "random", tokenBudget: 100 }, seed));
  const first = await choose(1);
  expect(await choose(1)).toEqual(first);
  expect(await choose(2)).not.toEqual(first);
});

test.each(["novelty", "fifo", "random"] as const)("%s never passes its budget and is deterministic", async (method) => {
  const pools = fc.array(
    fc.record({
      tokens: fc.integer({ min: 1, max: 50 }),
      degrees: fc.integer({ min: 0, max: 360 }),
      domain: fc.constantFrom("lights", "media", null),
    }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(pools, fc.integer({ min: 1, max: 400 }), async (rows, tokenBudget) => {
      const pool = rows.map(({ tokens, degrees, domain }, order) =>
        candidate(order, { tokens, domain, vector: at(degrees) }),
      );
      const settings = { ...base, method, tokenBudget };
      const chosen = await selectExamples(pool, settings, 7);
      expect(chosen.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(tokenBudget);
      expect(idsOf(await selectExamples([...pool].reverse(), settings, 7))).toEqual(idsOf(chosen));
      expect(chosen.map(({ order }) => order)).toEqual(chosen.map(({ order }) => order).toSorted((a, b) => a - b));
    }),
  );
});

test("of 600 examples about the same thing the 400 that the model is least sure of are taken", async () => {
  const pool = Array.from({ length: 600 }, (_, order) => candidate(order, { entropy: ((order * 7) % 600) / 100 }));
  const chosen = await selectExamples(pool, { ...base, tokenBudget: 4000 }, 1);
  expect(chosen.map(({ entropy }) => entropy ?? 0).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 400 }, (_, i) => (i + 200) / 100),
  );
});

test("other work gets its turn between two choices", async () => {
  using reads = new WorkPerRound();
  const watched = (order: number): SelectionCandidate => {
    const vector = at(order);
    return {
      ...candidate(order),
      get vector() {
        reads.count();
        return vector;
      },
    };
  };
  const pool = Array.from({ length: 300 }, (_, order) => watched(order));
  expect(await selectExamples(pool, { ...base, tokenBudget: 1000 }, 1)).toHaveLength(100);
  expect(reads.most).toBeLessThanOrEqual(3 * pool.length);
});

describe("split by time", () => {
  const shares = { heldOutShare: 0.2, validationShare: 0.15 };

  test("of 30 the newest 6 are held out and the newest 4 of the rest validate", () => {
    const split = splitByTime(
      Array.from({ length: 30 }, (_, i) => i),
      shares,
    );
    expect(split.training).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(split.validation).toEqual([20, 21, 22, 23]);
    expect(split.heldOut).toEqual([24, 25, 26, 27, 28, 29]);
  });

  test("nothing is lost, nothing comes up twice, and what is held out is the newest", () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), (count) => {
        const items = Array.from({ length: count }, (_, i) => i);
        const { training, validation, heldOut } = splitByTime(items, shares);
        expect([...training, ...validation, ...heldOut]).toEqual(items);
        if (count >= 3) expect(heldOut.length).toBeGreaterThan(0);
        expect(training.length > 0).toBe(count > 0);
      }),
    );
  });
});
