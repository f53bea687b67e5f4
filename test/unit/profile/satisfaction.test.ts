import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Signal, SignalKind } from "../../../src/profile/ports.ts";
import { DEFAULT_SIGNAL_TABLE, satisfactionOf, standingCorrection } from "../../../src/profile/satisfaction.ts";

function signal(kind: SignalKind, atMs: number, correction: string | null = null): Signal {
  return { kind, atMs, correction };
}

const kinds = Object.keys(DEFAULT_SIGNAL_TABLE) as SignalKind[];
const anySignal = fc.record({
  kind: fc.constantFrom(...kinds),
  atMs: fc.integer({ min: 0, max: 1000 }),
  correction: fc.constant(null),
});

describe("satisfactionOf", () => {
  test.each([
    ["thumb_up", 1, 1],
    ["thumb_down", -1, 1],
    ["praise", 1, 1],
    ["complaint", -1, 1],
    ["correction", -1, 1],
    ["rephrase", -0.6, 0.4],
    ["barge_in", -0.4, 0.3],
    ["stop", -0.4, 0.3],
    ["repeat_request", -0.2, 0.2],
    ["follow_up", 0.3, 0.2],
    ["task_done", 0.3, 0.2],
  ] as const)("%s alone gives s = %f with c = %f", (kind, estimate, confidence) => {
    const result = satisfactionOf([signal(kind, 0)]);
    expect(result.estimate).toBeCloseTo(estimate, 12);
    expect(result.confidence).toBeCloseTo(confidence, 12);
  });

  test("is 0 with confidence 0 without signals", () => {
    expect(satisfactionOf([])).toEqual({ estimate: 0, confidence: 0 });
  });

  test("an explicit signal overrides every implicit one, whatever the order", () => {
    const implicit = [signal("rephrase", 5), signal("barge_in", 9)];
    expect(satisfactionOf([signal("thumb_up", 1), ...implicit])).toEqual({ estimate: 1, confidence: 1 });
    expect(satisfactionOf([...implicit, signal("thumb_up", 1)])).toEqual({ estimate: 1, confidence: 1 });
  });

  test("the newest explicit signal wins: thumb down at 1, up at 2", () => {
    expect(satisfactionOf([signal("thumb_up", 2), signal("thumb_down", 1)]).estimate).toBe(1);
  });

  test("rephrase and barge-in together: s = (-0.6*0.4 - 0.4*0.3) / 0.7, c = 1 - 0.6*0.7", () => {
    const { estimate, confidence } = satisfactionOf([signal("rephrase", 1), signal("barge_in", 2)]);
    expect(estimate).toBeCloseTo(-0.36 / 0.7, 12);
    expect(confidence).toBeCloseTo(0.58, 12);
  });

  test("the table is configuration: barge-in at -1 with c = 0.9", () => {
    const table = { ...DEFAULT_SIGNAL_TABLE, barge_in: { estimate: -1, confidence: 0.9 } };
    expect(satisfactionOf([signal("barge_in", 0)], table).estimate).toBe(-1);
  });

  test("stays within s in [-1, 1] and c in [0, 1] for any signals", () => {
    fc.assert(
      fc.property(fc.array(anySignal, { maxLength: 30 }), (signals) => {
        const { estimate, confidence } = satisfactionOf(signals);
        return estimate >= -1 && estimate <= 1 && confidence >= 0 && confidence <= 1;
      }),
    );
  });

  test("a further implicit signal never lowers the confidence", () => {
    const implicit = anySignal.filter(({ kind }) => DEFAULT_SIGNAL_TABLE[kind].confidence < 1);
    fc.assert(
      fc.property(fc.array(implicit, { maxLength: 10 }), implicit, (signals, more) => {
        return satisfactionOf([...signals, more]).confidence >= satisfactionOf(signals).confidence;
      }),
    );
  });
});

describe("standingCorrection", () => {
  test("is the newest one", () => {
    expect(standingCorrection([signal("correction", 2, "new"), signal("correction", 1, "old")])).toBe("new");
  });

  test("ends with a later approval, but not with an earlier one", () => {
    expect(standingCorrection([signal("correction", 1, "x"), signal("thumb_up", 2)])).toBeNull();
    expect(standingCorrection([signal("thumb_up", 1), signal("correction", 2, "x")])).toBe("x");
  });

  test("a correction without text is none", () => {
    expect(standingCorrection([signal("correction", 1)])).toBeNull();
  });
});
