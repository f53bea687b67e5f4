import { describe, expect, it } from "vitest";
import { medianFigure, quantile, resultJson, skippedFigure, spreadOf } from "../../../bench/report.ts";

describe("bench report", () => {
  it("takes the mean of the two middle samples as the median of an even count", () => {
    expect(spreadOf([4, 1, 3, 10])).toEqual({ runs: 4, median: 3.5, min: 1, max: 10 });
  });

  it("takes an observed value as quantile: the 99th of 200 is the third greatest", () => {
    const samples = Array.from({ length: 200 }, (_, i) => i + 1);
    expect(quantile(samples, 0.99)).toBe(198);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it("puts figures at the top level of the JSON, with their spread, and null with a reason where there is none", () => {
    const figures = { ours_ms: medianFigure([1, 2, 3.00004], "ms"), gpu_ms: skippedFigure("ms", "no GPU") };
    expect(resultJson("turn", true, 1234, [], { figures })).toMatchObject({
      bench: "turn",
      quick: true,
      ours_ms: 2,
      gpu_ms: null,
      spread: { ours_ms: { runs: 3, median: 2, min: 1, max: 3.00004 } },
      skipped: { gpu_ms: "no GPU" },
      duration_s: 1.2,
    });
  });
});
