import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decide,
  GOVERNOR_MODES,
  type GovernorInputs,
  type GovernorPolicy,
  type GovernorState,
  INITIAL_STATE,
} from "../../../../src/runtime/governor/policy.ts";
import { PROBE_NAMES } from "../../../../src/sensors/board/ports.ts";
import { TEST_POLICY } from "../../../support/governor.ts";

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 8 });

const policies: fc.Arbitrary<GovernorPolicy> = fc
  .record({
    resumeC: number(30, 60),
    warmC: number(0.1, 20),
    hotC: number(0.1, 20),
    hysteresisC: number(0, 10),
    dwellMs: fc.integer({ min: 1, max: 100_000 }),
    requireThermometer: fc.boolean(),
    trainOnBattery: fc.boolean(),
    maxInputW: orNull(number(1, 20)),
    cores: fc.integer({ min: 1, max: 64 }),
  })
  .map(({ resumeC, warmC, hotC, ...rest }) => ({
    ...TEST_POLICY,
    ...rest,
    resumeC,
    throttleC: resumeC + warmC,
    stopC: resumeC + warmC + hotC,
  }));

const inputs: fc.Arbitrary<GovernorInputs> = fc.record({
  readings: fc.record({
    socTempC: orNull(number(20, 110)),
    throttle: orNull(fc.record({ isUnderVoltage: fc.boolean(), isSlowed: fc.boolean() })),
    inputPower: orNull(
      fc.record({ watts: number(0, 30), scope: fc.constantFrom("board" as const, "partial" as const) }),
    ),
    isOnMains: orNull(fc.boolean()),
    battery: orNull(fc.record({ percent: number(0, 100), isDischarging: fc.boolean() })),
    memory: orNull(fc.record({ pressurePct: orNull(number(0, 100)), availableMb: fc.nat(8_192) })),
    cpuLoad: fc.constant(0.5),
  }),
  failed: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray([...PROBE_NAMES])),
  mode: fc.constantFrom(...GOVERNOR_MODES),
  isEnergySpent: fc.boolean(),
});

/** Calm but for the temperature, so that training is allowed most of the time. */
const temperatures: fc.Arbitrary<GovernorInputs> = inputs.map((each) => ({
  ...each,
  readings: { ...each.readings, throttle: null, isOnMains: true, memory: null, inputPower: null },
  failed: [],
  isEnergySpent: false,
}));

const traces = fc.array(
  fc.record({ inputs: fc.oneof(inputs, temperatures), waitMs: fc.integer({ min: 0, max: 40_000 }) }),
  { minLength: 1, maxLength: 60 },
);

interface Step {
  readonly atMs: number;
  readonly inputs: GovernorInputs;
  readonly before: GovernorState;
  readonly next: GovernorState;
}

function replay(policy: GovernorPolicy, trace: readonly { inputs: GovernorInputs; waitMs: number }[]): Step[] {
  let state = INITIAL_STATE;
  let atMs = 0;
  return trace.map((each) => {
    atMs += each.waitMs;
    const before = state;
    state = decide(before, each.inputs, policy, atMs);
    return { atMs, inputs: each.inputs, before, next: state };
  });
}

function everyStep(holds: (step: Step, policy: GovernorPolicy, steps: readonly Step[]) => void): void {
  fc.assert(
    fc.property(policies, traces, (policy, trace) => {
      const steps = replay(policy, trace);
      for (const step of steps) holds(step, policy, steps);
    }),
    { numRuns: 500 },
  );
}

test("never trains at or above the stop temperature", () => {
  everyStep(({ inputs: { readings }, next }, { stopC }) => {
    if (readings.socTempC !== null && readings.socTempC >= stopC) expect(next.duty).toBe(0);
  });
});

test("once too hot, never trains before a reading at or below the resume temperature", () => {
  everyStep((_step, { stopC, resumeC }, steps) => {
    let isTooHot = false;
    for (const {
      inputs: { readings },
      next,
    } of steps) {
      const { socTempC } = readings;
      if (socTempC !== null && socTempC >= stopC) isTooHot = true;
      else if (socTempC !== null && socTempC <= resumeC) isTooHot = false;
      if (isTooHot) expect(next.duty).toBe(0);
    }
  });
});

test("never rises sooner than the dwell time after any change", () => {
  fc.assert(
    fc.property(policies, traces, (policy, trace) => {
      let changedAtMs: number | null = null;
      for (const { atMs, before, next } of replay(policy, trace)) {
        if (next.duty === before.duty) continue;
        if (next.duty > before.duty && changedAtMs !== null)
          expect(atMs - changedAtMs).toBeGreaterThanOrEqual(policy.dwellMs);
        changedAtMs = atMs;
      }
    }),
    { numRuns: 500 },
  );
});

test("a failed probe that a limit depends on is never trained with", () => {
  everyStep(({ inputs: { failed, readings }, next }, policy) => {
    const unsafe =
      failed.includes("temperature") ||
      failed.includes("throttle") ||
      failed.includes("memory") ||
      (failed.includes("power") && policy.maxInputW !== null) ||
      (failed.includes("mains") && !policy.trainOnBattery) ||
      (failed.includes("battery") && policy.trainOnBattery && readings.isOnMains !== true);
    if (unsafe) expect(next.duty).toBe(0);
  });
});

test("never trains without mains unless the policy allows it, nor on a spent allowance", () => {
  everyStep(({ inputs: { readings, isEnergySpent }, next }, { trainOnBattery }) => {
    if (readings.isOnMains === false && !trainOnBattery) expect(next.duty).toBe(0);
    if (isEnergySpent) expect(next.duty).toBe(0);
  });
});

test("duty is a multiple of 0.1 within [0, 1], threads are 1 to the cores, and duty 0 has a reason that stops", () => {
  everyStep(({ next }, { cores }) => {
    expect(Math.round(next.duty * 10) / 10).toBe(next.duty);
    expect(next.duty).toBeGreaterThanOrEqual(0);
    expect(next.duty).toBeLessThanOrEqual(1);
    expect(next.threads).toBeGreaterThanOrEqual(1);
    expect(next.threads).toBeLessThanOrEqual(cores);
    if (next.duty === 0) expect(["warm", "none"]).not.toContain(next.reason);
    if (next.standing.length > 0) expect(next.duty).toBe(0);
  });
});

test("a calm board trains at full speed again within the dwell time, whatever came before", () => {
  fc.assert(
    fc.property(policies, traces, (policy, trace) => {
      const last = replay(policy, trace).at(-1);
      const calm: GovernorInputs = {
        readings: {
          socTempC: 10,
          throttle: null,
          inputPower: null,
          isOnMains: true,
          battery: null,
          memory: { pressurePct: 0, availableMb: 8_192 },
          cpuLoad: 0,
        },
        failed: [],
        mode: "auto",
        isEnergySpent: false,
      };
      const measured: GovernorInputs =
        policy.maxInputW === null
          ? calm
          : { ...calm, readings: { ...calm.readings, inputPower: { watts: 0.1, scope: "board" } } };
      const atMs = (last?.atMs ?? 0) + policy.dwellMs;
      const first = decide(last?.next ?? INITIAL_STATE, measured, policy, atMs);
      expect(decide(first, measured, policy, atMs + policy.dwellMs).duty).toBe(1);
    }),
    { numRuns: 300 },
  );
});
