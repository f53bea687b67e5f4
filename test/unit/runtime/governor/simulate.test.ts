import { describe, expect, test } from "vitest";
import { plotSvg } from "../../../../src/runtime/governor/plot-svg.ts";
import {
  replayTrace,
  type SimulationSettings,
  simulateDay,
  summarise,
} from "../../../../src/runtime/governor/simulate.ts";
import { FANLESS_BOARD } from "../../../../src/runtime/governor/simulated-day.ts";
import { parseTrace } from "../../../../src/runtime/governor/trace.ts";
import { TEST_POLICY } from "../../../support/governor.ts";

const settings: SimulationSettings = { policy: TEST_POLICY, mode: "auto", dailyWh: null, wattsPerThread: 2, stepS: 1 };

/** What was decided at that second. */
function budgetsOf(csv: string, changes: Partial<SimulationSettings> = {}) {
  const { points } = replayTrace(parseTrace(csv), { ...settings, ...changes });
  return (atS: number) => points.find((point) => point.atS === atS)?.budget;
}

describe("a trace", () => {
  test("is replayed through the policy: too hot at 20 s, resumed 30 s after it is cool", () => {
    const at = budgetsOf("time_s,soc_temp_c\n0,45\n20,81\n25,55\n100,55\n");
    expect(at(19)).toMatchObject({ duty: 1, reason: "none" });
    expect(at(20)).toMatchObject({ duty: 0, reason: "too_hot" });
    expect(at(49)).toMatchObject({ duty: 0, reason: "settling" });
    expect(at(50)).toMatchObject({ duty: 1, reason: "none" });
  });

  test("an empty cell is a probe that failed, a missing column a sensor that the board has not", () => {
    const at = budgetsOf("time_s,soc_temp_c,mains\n0,45,1\n1,,1\n2,45,0\n");
    expect(at(0)).toMatchObject({ duty: 1 });
    expect(at(1)).toMatchObject({ duty: 0, reason: "temperature_unknown" });
    expect(at(2)).toMatchObject({ duty: 0, reason: "on_battery" });
  });

  test("training stops for the user's turn and the 5 s after it", () => {
    const at = budgetsOf("time_s,soc_temp_c,user_active\n0,45,0\n10,45,1\n12,45,0\n60,45,0\n");
    expect([9, 10, 16, 17].map((second) => at(second)?.duty)).toEqual([1, 0, 0, 1]);
  });

  test("6 W of 3 threads for an hour are 6 Wh; an allowance of 2 Wh is spent after 20 min", () => {
    const csv = "time_s,soc_temp_c\n0,45\n3600,45\n";
    expect(summarise(replayTrace(parseTrace(csv), settings)).trainingWh).toBeCloseTo(6, 1);
    const at = budgetsOf(csv, { dailyWh: 2 });
    expect(at(1_199)?.duty).toBe(1);
    expect(at(1_201)).toMatchObject({ duty: 0, reason: "energy_spent" });
  });

  test("the eleventh day has its own allowance", () => {
    const csv = "time_s,soc_temp_c\n0,45\n1036800,45\n";
    const wide = { ...settings, dailyWh: 2, stepS: 60 };
    expect(summarise(replayTrace(parseTrace(csv), wide)).trainingWh).toBeCloseTo(24, 0);
  });

  test.each([
    ["", "line 1"],
    ["soc_temp_c\n45", "line 1"],
    ["time_s,nonsense\n0,1", "line 1"],
    ["time_s,soc_temp_c\n", "line 2"],
    ["time_s,soc_temp_c\n0,45\n1", "line 3"],
    ["time_s,soc_temp_c\n0,45\n0,45", "line 3"],
    ["time_s,soc_temp_c\n0,warm", "line 2"],
  ])("`%s` is refused with its line", (csv, where) => {
    expect(() => parseTrace(csv)).toThrow(expect.objectContaining({ code: "E_DATA_INVALID" }));
    expect(() => parseTrace(csv)).toThrow(where);
  });
});

describe("the invented day", () => {
  const day = simulateDay(FANLESS_BOARD, { ...settings, stepS: 5 });

  test("meets every accident, trains for hours, and never at or above the stop temperature", () => {
    const { hottestTrainingC, trainedS, secondsByReason } = summarise(day);
    expect(hottestTrainingC).toBeLessThan(TEST_POLICY.stopC);
    expect(trainedS).toBeGreaterThan(4 * 3_600);
    for (const reason of [
      "user_active",
      "temperature_unknown",
      "memory_pressure",
      "under_voltage",
      "on_battery",
    ] as const) {
      expect(secondsByReason[reason], reason).toBeGreaterThan(0);
    }
  });

  test("energy does not depend on the step: 1 s and 5 s agree within 2 %", () => {
    const energyAt = (stepS: number) => summarise(simulateDay(FANLESS_BOARD, { ...settings, stepS })).trainingWh;
    expect(energyAt(5) / energyAt(1)).toBeGreaterThan(0.98);
  });

  test("without a governor the same board would be hotter than the stop temperature for hours", () => {
    const blind = { ...TEST_POLICY, resumeC: 200, throttleC: 201, stopC: 202 };
    const { points } = simulateDay(FANLESS_BOARD, { ...settings, policy: blind, stepS: 5 });
    const tooHotS = points.filter(({ socTempC }) => (socTempC ?? 0) >= TEST_POLICY.stopC).length * 5;
    expect(tooHotS).toBeGreaterThan(4 * 3_600);
  });

  test("its plot is well-formed, names every reason that occurred, and is smaller than 60 kB", () => {
    const svg = plotSvg("a <day> & more", day.points, TEST_POLICY);
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(svg).toContain("a &lt;day&gt; &amp; more");
    for (const reason of new Set(day.points.map(({ budget }) => budget.reason))) {
      expect(svg).toContain(reason === "none" ? "full speed" : reason.replaceAll("_", " "));
    }
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.length).toBeLessThan(60_000);
  });

  test("a trace of one moment without a temperature can be plotted", () => {
    const { points } = replayTrace(parseTrace("time_s,mains\n5,1\n"), settings);
    expect(plotSvg("short", points, TEST_POLICY)).not.toMatch(/NaN|Infinity/);
  });
});
