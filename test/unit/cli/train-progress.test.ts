import { describe, expect, it } from "vitest";
import type { TrainerProgress } from "../../../src/adapt/ports.ts";
import { durationText, progressText, TrainProgressLine } from "../../../src/cli/train-progress.ts";
import { heldOutLossOf } from "../../../src/cli/train-session.ts";

const at = (step: number, stepMs = 500): TrainerProgress => ({
  step,
  steps: 120,
  loss: 2.3141,
  lr: 0.0002,
  tokens: step * 30,
  tokensPerS: 186.6,
  stepMs,
  cpuMs: stepMs,
  rssMb: 411.6,
  peakRssMb: 420,
});

describe("training progress", () => {
  it("shows bar, step, loss, rate, speed, memory and the time left", () => {
    expect(progressText("train", at(30), 80)).toBe(
      "train [######------------------]  30/120  loss 2.314  lr 2.0e-4  187 tok/s  412 MB  1m 20s left",
    );
  });

  it("estimates the rest from the mean of the last 10 steps", () => {
    const written: string[] = [];
    const line = new TrainProgressLine((text) => written.push(text), true);
    for (let step = 1; step <= 20; step += 1) line.show("train", at(step, step <= 10 ? 9_000 : 1_000));
    expect(written.at(-1)).toContain("1m 40s left");
  });

  it("writes 11 whole lines for 120 steps where there is no terminal", () => {
    const written: string[] = [];
    const line = new TrainProgressLine((text) => written.push(text), false);
    for (let step = 1; step <= 120; step += 1) line.show("train", at(step));
    expect(written.length).toBe(11);
    expect(written.every((text) => text.endsWith("\n"))).toBe(true);
  });

  it.each([
    [7.6, "8s"],
    [80, "1m 20s"],
    [11_100, "3h 05m"],
  ])("says %d s as %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it("weighs held-out losses by target tokens: 10 at 1 and 30 at 3 nats are 2.5", () => {
    const result = { id: "x", entropy: 1 };
    const loss = heldOutLossOf([
      { ...result, tokens: 10, baseLoss: 1, adapterLoss: 0.5 },
      { ...result, tokens: 30, baseLoss: 3, adapterLoss: 1.5 },
    ]);
    expect(loss).toEqual({ examples: 2, tokens: 40, base: 2.5, adapter: 1.25 });
  });
});
