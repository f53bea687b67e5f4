import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  account,
  type EnergyDay,
  IdlePower,
  NO_ENERGY,
  sourceOf,
  trainingPower,
  wattHours,
} from "../../../../src/runtime/governor/energy.ts";

const entry = (day: string, joules: number, elapsedMs = 1_000) => ({
  day,
  joules,
  elapsedMs,
  source: "measured" as const,
});

describe("the day's account", () => {
  test("3600 J are 1 Wh; measured and estimated energy add up and say so", () => {
    const measured = account(NO_ENERGY, entry("2026-01-05", 1_800));
    const both = account(measured, { ...entry("2026-01-05", 1_800), source: "estimated" });
    expect([wattHours(measured), sourceOf(measured)]).toEqual([0.5, "measured"]);
    expect([wattHours(both), sourceOf(both)]).toEqual([1, "mixed"]);
    expect(sourceOf(NO_ENERGY)).toBeNull();
  });

  test("the next day starts at 0", () => {
    const monday = account(NO_ENERGY, entry("2026-01-05", 7_200));
    expect(account(monday, entry("2026-01-06", 36))).toMatchObject({ day: "2026-01-06", measuredJ: 36 });
  });

  test("a clock that is set back a day grants nothing", () => {
    const monday = account(NO_ENERGY, entry("2026-01-05", 7_200));
    expect(wattHours(account(monday, entry("2026-01-04", 0)))).toBe(2);
  });

  test("a clock that once was years ahead holds training back for 24 h of running time at most", () => {
    let day: EnergyDay = account(NO_ENERGY, entry("2036-01-05", 7_200));
    for (let hour = 0; hour < 23; hour += 1) day = account(day, entry("2026-01-05", 0, 3_600_000));
    expect(wattHours(day)).toBe(2);
    day = account(day, entry("2026-01-05", 0, 3_600_000));
    expect(day).toMatchObject({ day: "2026-01-05", measuredJ: 0 });
  });

  test("never more than the sum of its entries, never negative", () => {
    const entries = fc.array(
      fc.record({
        day: fc.constantFrom("2026-01-04", "2026-01-05", "2026-01-06"),
        joules: fc.double({ min: 0, max: 1e6, noNaN: true }),
        elapsedMs: fc.nat(1e7),
        source: fc.constantFrom("measured" as const, "estimated" as const),
      }),
    );
    fc.assert(
      fc.property(entries, (all) => {
        const joules = wattHours(all.reduce(account, NO_ENERGY)) * 3_600;
        expect(joules).toBeGreaterThanOrEqual(0);
        expect(joules).toBeLessThanOrEqual(all.reduce((sum, each) => sum + each.joules, 0) * (1 + 1e-9));
      }),
    );
  });
});

describe("what training takes", () => {
  const budget = { duty: 0.5, threads: 3 };

  test("the measured 8 W above the 3 W of the idle board", () => {
    expect(trainingPower(8, 3, budget, 1.5)).toEqual({ watts: 5, source: "measured" });
  });

  test("all of it while the idle board was never measured, and nothing when it takes less than idle", () => {
    expect(trainingPower(8, null, budget, 1.5).watts).toBe(8);
    expect(trainingPower(2, 3, budget, 1.5).watts).toBe(0);
  });

  test("without a meter an estimate: 3 threads of 1.5 W half of the time are 2.25 W", () => {
    expect(trainingPower(null, 3, budget, 1.5)).toEqual({ watts: 2.25, source: "estimated" });
  });

  test("the idle power follows slowly: 10 min after a rise from 3 to 5 W it is at 63 % of the way", () => {
    const idle = new IdlePower();
    expect(idle.watts).toBeNull();
    idle.observe(3, 5_000);
    expect(idle.watts).toBe(3);
    for (let second = 0; second < 600; second += 1) idle.observe(5, 1_000);
    expect(idle.watts).toBeCloseTo(3 + 2 * (1 - 1 / Math.E), 3);
  });
});
