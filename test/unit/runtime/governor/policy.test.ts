import { describe, expect, test } from "vitest";
import {
  budgetOf,
  decide,
  type GovernorInputs,
  type GovernorState,
  INITIAL_STATE,
} from "../../../../src/runtime/governor/policy.ts";
import { inputsWith, TEST_POLICY } from "../../../support/governor.ts";

/** The state after these inputs, `stepMs` apart. */
function reached(inputs: readonly GovernorInputs[], stepMs = TEST_POLICY.dwellMs, policy = TEST_POLICY): GovernorState {
  return inputs.reduce((state, each, index) => decide(state, each, policy, index * stepMs), INITIAL_STATE);
}
const atC = (socTempC: number) => inputsWith({ socTempC });

describe("temperature", () => {
  test("full speed on three of four cores at 45 °C, from the first reading on", () => {
    expect(reached([atC(45)])).toMatchObject({ duty: 1, threads: 3, reason: "none" });
  });

  test.each([
    [70, 1],
    [72, 0.8],
    [75, 0.5],
    [79, 0.1],
    [79.99, 0.1],
  ])("a board that warms up to %d °C may train %d of the time", (celsius, duty) => {
    expect(reached([atC(45), atC(celsius)])).toMatchObject({ duty });
  });

  test("stops at 80 °C, stays stopped at 61 °C, and goes on at 60 °C", () => {
    const hot = [atC(45), atC(80)];
    expect(reached(hot)).toMatchObject({ duty: 0, reason: "too_hot" });
    expect(reached([...hot, atC(61)])).toMatchObject({ duty: 0, reason: "too_hot" });
    expect(reached([...hot, atC(61), atC(60)])).toMatchObject({ duty: 1, reason: "none" });
  });

  test("a thermometer that fails while the board is too hot does not end the stop at 70 °C", () => {
    const failing = inputsWith({ socTempC: null }, { failed: ["temperature"] });
    expect(reached([atC(85), failing])).toMatchObject({ duty: 0, reason: "temperature_unknown" });
    expect(reached([atC(85), failing, atC(70)])).toMatchObject({ duty: 0, reason: "too_hot" });
  });

  test("rises only when it is 3 °C cooler than the duty needs", () => {
    const slow = [atC(45), atC(75)];
    expect(reached([...slow, atC(72.1)])).toMatchObject({ duty: 0.5, reason: "warm" });
    expect(reached([...slow, atC(71)])).toMatchObject({ duty: 0.6, reason: "warm" });
  });

  test("falls at once and rises 30 s after the last change", () => {
    let state = decide(INITIAL_STATE, atC(45), TEST_POLICY, 0);
    state = decide(state, atC(75), TEST_POLICY, 1);
    expect(state.duty).toBe(0.5);
    state = decide(state, atC(45), TEST_POLICY, 30_000);
    expect(state).toMatchObject({ duty: 0.5, reason: "settling" });
    expect(decide(state, atC(45), TEST_POLICY, 30_001)).toMatchObject({ duty: 1, reason: "none" });
  });

  test("a board without a thermometer trains only when the configuration says so", () => {
    const blind = inputsWith({ socTempC: null });
    expect(reached([blind])).toMatchObject({ duty: 0, reason: "temperature_unknown" });
    const daring = { ...TEST_POLICY, requireThermometer: false };
    expect(reached([blind], 1, daring)).toMatchObject({ duty: 1, reason: "none" });
    expect(reached([{ ...blind, failed: ["temperature"] }], 1, daring).duty).toBe(0);
  });
});

describe("modes", () => {
  test("quiet takes half of the cores and of the time, and stops 10 °C earlier", () => {
    const quiet = (socTempC: number) => inputsWith({ socTempC }, { mode: "quiet" });
    expect(reached([quiet(45)])).toMatchObject({ duty: 0.5, threads: 2, reason: "none" });
    expect(reached([quiet(69.9)])).toMatchObject({ duty: 0.1, reason: "warm" });
    expect(reached([quiet(70)])).toMatchObject({ duty: 0, reason: "too_hot" });
    expect(reached([quiet(70), quiet(51)])).toMatchObject({ duty: 0 });
    expect(reached([quiet(70), quiet(50)])).toMatchObject({ duty: 0.5 });
  });

  test("performance takes all cores and stops at 80 °C all the same", () => {
    expect(reached([inputsWith({}, { mode: "performance" })])).toMatchObject({ duty: 1, threads: 4 });
    expect(reached([inputsWith({ socTempC: 80 }, { mode: "performance" })])).toMatchObject({ duty: 0 });
  });

  test("a board with one core has one thread in every mode", () => {
    for (const mode of ["auto", "quiet", "performance"] as const) {
      expect(reached([inputsWith({}, { mode })], 1, { ...TEST_POLICY, cores: 1 }).threads).toBe(1);
    }
  });
});

describe("supply", () => {
  test("no training on battery, unless it is allowed, and then only above 50 %", () => {
    const battery = (percent: number) => inputsWith({ isOnMains: false, battery: { percent, isDischarging: true } });
    expect(reached([battery(90)])).toMatchObject({ duty: 0, reason: "on_battery" });
    const mobile = { ...TEST_POLICY, trainOnBattery: true };
    const states = (...percents: number[]) => reached(percents.map(battery), TEST_POLICY.dwellMs, mobile);
    expect(states(50)).toMatchObject({ duty: 1 });
    expect(states(50, 49)).toMatchObject({ duty: 0, reason: "battery_low" });
    expect(states(50, 49, 54)).toMatchObject({ duty: 0, reason: "battery_low" });
    expect(states(50, 49, 54, 55)).toMatchObject({ duty: 1 });
  });

  test("a low battery does not matter on mains", () => {
    expect(reached([inputsWith({ battery: { percent: 5, isDischarging: false } })])).toMatchObject({ duty: 1 });
  });

  test("an under-voltage stops training until it is over", () => {
    const weak = inputsWith({ throttle: { isUnderVoltage: true, isSlowed: true } });
    expect(reached([weak])).toMatchObject({ duty: 0, reason: "under_voltage" });
    expect(reached([weak, inputsWith({})])).toMatchObject({ duty: 1 });
  });

  test("stops at the input limit of 10 W and goes on below 9 W", () => {
    const limited = { ...TEST_POLICY, maxInputW: 10 };
    const drawing = (...watts: number[]) =>
      reached(
        watts.map((each) => inputsWith({ inputPower: { watts: each, scope: "board" } })),
        TEST_POLICY.dwellMs,
        limited,
      );
    expect(drawing(9.9)).toMatchObject({ duty: 1 });
    expect(drawing(10)).toMatchObject({ duty: 0, reason: "input_power" });
    expect(drawing(10, 9)).toMatchObject({ duty: 0, reason: "input_power" });
    expect(drawing(10, 8.9)).toMatchObject({ duty: 1 });
  });

  test("the day's energy, once spent, stops training", () => {
    expect(reached([inputsWith({}, { isEnergySpent: true })])).toMatchObject({ duty: 0, reason: "energy_spent" });
  });
});

describe("memory", () => {
  const pressed = (pressurePct: number | null, availableMb = 4_096) =>
    inputsWith({ memory: { pressurePct, availableMb } });

  test("10 % pressure makes the trainer give its memory back until it is down to 2 %", () => {
    const budget = (...inputs: GovernorInputs[]) => budgetOf(reached(inputs), false);
    expect(budget(pressed(9.9))).toMatchObject({ duty: 1, releaseMemory: false });
    expect(budget(pressed(10))).toMatchObject({ duty: 0, reason: "memory_pressure", releaseMemory: true });
    expect(budget(pressed(10), pressed(2.1))).toMatchObject({ duty: 0, releaseMemory: true });
    expect(budget(pressed(10), pressed(2))).toMatchObject({ duty: 1, releaseMemory: false });
  });

  test("so does less than 100 MiB, and without pressure information 150 MiB end it", () => {
    expect(reached([pressed(null, 99)])).toMatchObject({ duty: 0, reason: "memory_pressure" });
    expect(reached([pressed(null, 99), pressed(null, 149)])).toMatchObject({ duty: 0 });
    expect(reached([pressed(null, 99), pressed(null, 150)])).toMatchObject({ duty: 1 });
  });

  test("a hot board that is also short of memory says too_hot and gives its memory back", () => {
    const both = reached([inputsWith({ socTempC: 90, memory: { pressurePct: 50, availableMb: 50 } })]);
    expect(budgetOf(both, false)).toEqual({ duty: 0, threads: 3, reason: "too_hot", releaseMemory: true });
  });
});

test("the user takes everything, whatever the board allows", () => {
  expect(budgetOf(reached([atC(45)]), true)).toMatchObject({ duty: 0, reason: "user_active" });
});

test.each([
  ["temperature", "temperature_unknown"],
  ["throttle", "throttle_unknown"],
  ["memory", "memory_unknown"],
  ["mains", "supply_unknown"],
] as const)("a failed %s probe stops training with %s", (probe, reason) => {
  expect(reached([inputsWith({}, { failed: [probe] })])).toMatchObject({ duty: 0, reason });
});

test("a failed power probe matters only where there is a limit, a failed battery only without mains", () => {
  expect(reached([inputsWith({ inputPower: null }, { failed: ["power"] })])).toMatchObject({ duty: 1 });
  expect(
    reached([inputsWith({ inputPower: null }, { failed: ["power"] })], 1, { ...TEST_POLICY, maxInputW: 9 }),
  ).toMatchObject({ duty: 0, reason: "power_unknown" });
  const mobile = { ...TEST_POLICY, trainOnBattery: true };
  expect(reached([inputsWith({}, { failed: ["battery"] })], 1, mobile)).toMatchObject({ duty: 1 });
  expect(reached([inputsWith({ isOnMains: false }, { failed: ["battery"] })], 1, mobile)).toMatchObject({
    duty: 0,
    reason: "supply_unknown",
  });
});
