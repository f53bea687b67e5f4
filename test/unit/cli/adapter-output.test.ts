import { describe, expect, test } from "vitest";
import { sideBySide } from "../../../src/cli/adapter-command.ts";
import { describeTraining } from "../../../src/cli/describe-training.ts";
import { LossCurve } from "../../../src/cli/loss-curve.ts";

describe("loss curve", () => {
  const curveOf = (losses: readonly number[]) => {
    const curve = new LossCurve();
    for (const loss of losses) curve.add(loss);
    return curve;
  };

  test("a falling loss falls from the upper left to the lower right, with its greatest and least value beside it", () => {
    const lines = curveOf([4, 3, 2, 1]).text(10, 2).split("\n");
    expect(lines).toEqual(["   4.00 │█▃  ", "   1.00 │██▆▁", "        └──── 4 steps, loss in nats"]);
  });

  test("100 steps are drawn as 20 means", () => {
    const [top = ""] = curveOf(Array.from({ length: 100 }, (_, i) => 100 - i))
      .text(20, 3)
      .split("\n");
    expect(top).toHaveLength(9 + 20);
  });

  test("equal losses are a flat line, and a new job begins anew", () => {
    const curve = curveOf([2, 2, 2]);
    expect(curve.text(10, 1).split("\n")[0]).toBe("   2.00 │▁▁▁");
    curve.clear();
    expect(curve.hasPoints).toBe(false);
  });
});

test("answers stand side by side and are wrapped at the column's width", () => {
  const prompts = [{ prompt: "hello", without: "one two three four five", with: "Aye." }];
  expect(sideBySide({ version: "a_1", prompts }, 43).split("\n")).toEqual([
    "without              | with a_1",
    "-------------------------------------------",
    "> hello",
    "one two three four   | Aye.",
    "five                 |",
  ]);
});

test("what stands in the way of training is said in words", () => {
  const text = describeTraining({
    profileId: "p_1",
    eligibility: { eligible: false, reasons: ["no_train_consent", "too_few_interactions"] },
    hold: null,
    newInteractions: 3,
    job: null,
    lastFull: null,
    lastMicro: null,
    adapter: null,
    budget: { duty: 0.5, threads: 2, reason: "warm" },
    isHeld: false,
  });
  expect(text).toContain("training is not allowed (`asls consent grant train`); too few interactions are stored");
  expect(text).toContain("50 % of 2 threads (warm)");
});
