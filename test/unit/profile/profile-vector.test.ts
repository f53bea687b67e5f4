import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_VECTOR_PARAMETERS,
  interactionWeight,
  profileVector,
  type VectorInput,
} from "../../../src/profile/profile-vector.ts";
import { dot, normalise, shrink } from "../../../src/profile/vectors.ts";

const DAY_MS = 24 * 3_600_000;
const parameters = { ...DEFAULT_VECTOR_PARAMETERS, halfLifeMs: 30 * DAY_MS, tau: 0.5 };
const neutral = { similarity: 0, ageMs: 0, satisfaction: { estimate: 0, confidence: 0 }, modality: "text" } as const;

function input(vector: number[], changes: Partial<VectorInput> = {}): VectorInput {
  return { ...neutral, vector: shrink(Float32Array.from(vector)), ...changes };
}

const anyInput = fc.record({
  vector: fc
    .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
    .map((values) => shrink(normalise(Float32Array.from(values)))),
  similarity: fc.double({ min: -1, max: 1, noNaN: true }),
  ageMs: fc.double({ min: 0, max: 400 * DAY_MS, noNaN: true }),
  satisfaction: fc.record({
    estimate: fc.double({ min: -1, max: 1, noNaN: true }),
    confidence: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  modality: fc.constantFrom("voice" as const, "button" as const, "text" as const),
});

describe("interactionWeight, a = 2^(-age/half-life) * (1 + s c) * modality * exp(similarity/tau)", () => {
  test("is 1 for a fresh, unjudged text turn that has nothing to do with the context", () => {
    expect(interactionWeight(neutral, parameters)).toBe(1);
  });

  test("halves after each half-life: 30 days 0.5, 60 days 0.25", () => {
    expect(interactionWeight({ ...neutral, ageMs: 30 * DAY_MS }, parameters)).toBeCloseTo(0.5, 12);
    expect(interactionWeight({ ...neutral, ageMs: 60 * DAY_MS }, parameters)).toBeCloseTo(0.25, 12);
  });

  test("doubles for s c = 1, vanishes for s c = -1", () => {
    const judged = (estimate: number) => ({ ...neutral, satisfaction: { estimate, confidence: 1 } });
    expect(interactionWeight(judged(1), parameters)).toBe(2);
    expect(interactionWeight(judged(-1), parameters)).toBe(0);
  });

  test("a button's label counts half, similarity 0.5 at tau 0.5 counts e-fold", () => {
    expect(interactionWeight({ ...neutral, modality: "button" }, parameters)).toBe(0.5);
    expect(interactionWeight({ ...neutral, similarity: 0.5 }, parameters)).toBeCloseTo(Math.E, 12);
  });

  test("a clock set back by a day gives the weight of age 0, not more", () => {
    expect(interactionWeight({ ...neutral, ageMs: -DAY_MS }, parameters)).toBe(1);
  });
});

describe("profileVector", () => {
  test("is the mean of two equal turns with a context that is orthogonal to both", () => {
    const vector = profileVector([input([1, 0, 0]), input([0, 1, 0])], 3, parameters);
    expect([...vector].map((x) => Math.round(x * 1000) / 1000)).toEqual([0.5, 0.5, 0]);
  });

  test("attends to the turn that resembles the context: exp(1/0.5) : 1", () => {
    const vector = profileVector([input([1, 0], { similarity: 1 }), input([0, 1])], 2, parameters);
    expect(vector[0]).toBeCloseTo(Math.exp(2) / (Math.exp(2) + 1), 3);
  });

  test("is zero without turns, and when every turn was fully disliked", () => {
    const disliked = input([1, 0], { satisfaction: { estimate: -1, confidence: 1 } });
    expect([...profileVector([], 2, parameters)]).toEqual([0, 0]);
    expect([...profileVector([disliked], 2, parameters)]).toEqual([0, 0]);
  });

  test("is finite and no longer than 1 (it lies in the convex hull of unit vectors)", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 20 }), (inputs) => {
        const vector = profileVector(inputs, 4, parameters);
        return Math.sqrt(dot(vector, vector)) <= 1.01;
      }),
    );
  });

  test("does not depend on the order of the turns", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { minLength: 1, maxLength: 20 }), (inputs) => {
        const forward = profileVector(inputs, 4, parameters);
        const backward = profileVector([...inputs].reverse(), 4, parameters);
        return forward.every((x, i) => Math.abs(x - (backward[i] ?? 0)) < 1e-5);
      }),
    );
  });

  test("does not change when every turn ages by the same time", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { minLength: 1, maxLength: 10 }), (inputs) => {
        const now = profileVector(inputs, 4, parameters);
        const older = inputs.map((one) => ({ ...one, ageMs: one.ageMs + 10 * DAY_MS }));
        const later = profileVector(older, 4, parameters);
        return now.every((x, i) => Math.abs(x - (later[i] ?? 0)) < 1e-5);
      }),
    );
  });
});
