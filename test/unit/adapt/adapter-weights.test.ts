import { describe, expect, test } from "vitest";
import { type AdapterWeights, movedTowards } from "../../../src/adapt/adapter-weights.ts";

const adapter = (values: readonly number[], header = "same"): AdapterWeights => ({
  header: Buffer.from(header),
  values: Float32Array.from(values),
});

describe("the outer step of Reptile", () => {
  test("goes half of the way from 0 to the mean of 2 and 6 at rate 0.5", () => {
    const moved = movedTowards(adapter([0, 4]), [adapter([2, 4]), adapter([6, 4])], 0.5);
    expect([...moved.values]).toEqual([2, 4]);
  });

  test("stays where it is at rate 0 and arrives at rate 1", () => {
    expect([...movedTowards(adapter([1]), [adapter([3])], 0).values]).toEqual([1]);
    expect([...movedTowards(adapter([1]), [adapter([3])], 1).values]).toEqual([3]);
  });

  test("refuses an adapter of another shape as E_ADAPTER_MISMATCH", () => {
    expect(() => movedTowards(adapter([0]), [adapter([1], "other")], 0.5)).toThrow(
      expect.objectContaining({ code: "E_ADAPTER_MISMATCH" }),
    );
  });

  test("refuses a weight that is not finite as E_ADAPTER_INVALID", () => {
    expect(() => movedTowards(adapter([0]), [adapter([Number.NaN])], 0.5)).toThrow(
      expect.objectContaining({ code: "E_ADAPTER_INVALID" }),
    );
  });
});
