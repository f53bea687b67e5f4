import type { GovernorInputs, GovernorPolicy } from "../../src/runtime/governor/policy.ts";
import type { BoardReadings } from "../../src/sensors/board/ports.ts";

/** Limits with round figures. */
export const TEST_POLICY: GovernorPolicy = {
  resumeC: 60,
  throttleC: 70,
  stopC: 80,
  hysteresisC: 3,
  dwellMs: 30_000,
  graceMs: 5_000,
  requireThermometer: true,
  trainOnBattery: false,
  minBatteryPct: 50,
  memoryStopPct: 10,
  memoryResumePct: 2,
  memoryFloorMb: 100,
  maxInputW: null,
  cores: 4,
};

/** A cool, idle board on mains without a battery. */
const CALM_READINGS: BoardReadings = {
  socTempC: 45,
  throttle: { isUnderVoltage: false, isSlowed: false },
  inputPower: { watts: 3, scope: "board" },
  isOnMains: true,
  battery: null,
  memory: { pressurePct: 0, availableMb: 4_096 },
  cpuLoad: 0.1,
};

/** Inputs of a calm board but for these readings. */
export function inputsWith(readings: Partial<BoardReadings>, changes: Partial<GovernorInputs> = {}): GovernorInputs {
  return { readings: { ...CALM_READINGS, ...readings }, failed: [], mode: "auto", isEnergySpent: false, ...changes };
}
