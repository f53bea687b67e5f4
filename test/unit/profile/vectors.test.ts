import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { decodeVector, dot, dotSmall, encodeVector, normalise, shrink } from "../../../src/profile/vectors.ts";
import { decodeWordVectors, encodeWordVectors } from "../../../src/profile/word-vector-file.ts";

const unitVector = fc
  .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 64, maxLength: 64 })
  .map((values) => normalise(Float32Array.from(values)));

test("a vector at 8 bits keeps its dot products within 2 %", () => {
  fc.assert(fc.property(unitVector, unitVector, (a, b) => Math.abs(dotSmall(a, shrink(b)) - dot(a, b)) < 0.02));
});

test("the stored form of a vector comes back exactly", () => {
  const vector = shrink(Float32Array.of(0.5, -1, 0, 0.25));
  const back = decodeVector(encodeVector(vector));
  expect([...back.levels]).toEqual([...vector.levels]);
  expect(back.step).toBeCloseTo(vector.step, 7);
});

describe("word vector file", () => {
  const words = [
    { word: "light", weight: 1, vector: [1, -0.5] },
    { word: "the", weight: 0.2, vector: [0, 0] },
    { word: "café", weight: 0.6, vector: [0.001, 0.0005] },
  ];
  const file = encodeWordVectors({ dimensions: 2, offset: Float32Array.of(0.125, -2), words });

  test("comes back: words, weights within 1/255, vectors within half a step", () => {
    const table = decodeWordVectors(file);
    expect([...table.rows]).toEqual([
      ["light", 0],
      ["the", 1],
      ["café", 2],
    ]);
    expect([...table.offset]).toEqual([0.125, -2]);
    for (const [row, { weight, vector }] of words.entries()) {
      expect(Math.abs((table.weights[row] ?? 0) / 255 - weight)).toBeLessThan(1 / 255);
      for (const [j, x] of vector.entries()) {
        const step = table.steps[row] ?? 0;
        expect(Math.abs((table.levels[row * 2 + j] ?? 0) * step - x)).toBeLessThanOrEqual(0.501 * step);
      }
    }
  });

  test("is E_EMBEDDER_INVALID when cut anywhere, longer, or of another format", () => {
    const bad = [...Array(file.length).keys()].map((length) => file.subarray(0, length));
    for (const bytes of [...bad, Buffer.concat([file, file]), Buffer.from(`GGUF${"x".repeat(60)}`)]) {
      let code: string | undefined;
      try {
        decodeWordVectors(bytes);
      } catch (error) {
        code = isAppError(error) ? error.code : String(error);
      }
      expect(code).toBe("E_EMBEDDER_INVALID");
    }
  });
});
