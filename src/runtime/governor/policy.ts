import type { TrainingBudget } from "../../adapt/eligibility.ts";
import type { BoardReadings, ProbeName } from "../../sensors/board/ports.ts";

export const GOVERNOR_MODES = ["auto", "quiet", "performance"] as const;
export type GovernorMode = (typeof GOVERNOR_MODES)[number];

/** Why the budget is what it is. All but the last three stop training. */
export const GOVERNOR_REASONS = [
  "user_active",
  "starting",
  "temperature_unknown",
  "too_hot",
  "throttle_unknown",
  "under_voltage",
  "hardware_slowed",
  "memory_unknown",
  "memory_pressure",
  "power_unknown",
  "input_power",
  "supply_unknown",
  "on_battery",
  "battery_low",
  "energy_spent",
  "settling",
  "warm",
  "none",
] as const;
export type GovernorReason = (typeof GOVERNOR_REASONS)[number];

/** A training budget whose reason is one of the governor's. */
export interface GovernorBudget extends TrainingBudget {
  readonly reason: GovernorReason;
  readonly releaseMemory: boolean;
}

/** Limits, from the `governor` section of the configuration; resumeC < throttleC < stopC. */
export interface GovernorPolicy {
  /** Full speed up to here, °C. */
  readonly throttleC: number;
  /** No training from here on, °C, until it is down to `resumeC`. */
  readonly stopC: number;
  readonly resumeC: number;
  /** Colder than needed by this much (°C) before the duty rises again. */
  readonly hysteresisC: number;
  /** The duty never rises sooner than this after its last change, ms. */
  readonly dwellMs: number;
  /** Quiet time after the user, ms. */
  readonly graceMs: number;
  /** False: a board whose temperature nobody can read trains all the same. */
  readonly requireThermometer: boolean;
  readonly trainOnBattery: boolean;
  /** With `trainOnBattery`: no training below this charge, per cent. */
  readonly minBatteryPct: number;
  /** Pressure (PSI, some avg10, per cent) from which training gives its memory back, until `memoryResumePct`. */
  readonly memoryStopPct: number;
  readonly memoryResumePct: number;
  /** Without PSI, and besides it: training ends below this much available memory, MiB. */
  readonly memoryFloorMb: number;
  /** Most the board may take while training, watts; null = no limit. */
  readonly maxInputW: number | null;
  readonly cores: number;
}

/** What the decision depends on besides the policy. */
export interface GovernorInputs {
  readonly readings: BoardReadings;
  readonly failed: readonly ProbeName[];
  readonly mode: GovernorMode;
  /** The day's energy for training is used up. */
  readonly isEnergySpent: boolean;
}

/** A decision and what the next one has to know of it. Time is monotonic, ms. */
export interface GovernorState {
  readonly duty: number;
  readonly threads: number;
  readonly reason: GovernorReason;
  /** Limits that stand; each ends at its own, lower threshold. */
  readonly standing: readonly GovernorReason[];
  /** Last change of the duty. Null: none yet, so that the first decision takes effect at once. */
  readonly changedAtMs: number | null;
}

export const INITIAL_STATE: GovernorState = {
  duty: 0,
  threads: 1,
  reason: "starting",
  standing: [],
  changedAtMs: null,
};

/** Duties are multiples of this, so that a temperature that trembles does not become a stream of orders. */
const DUTY_STEP = 0.1;
/** 0.3 / 0.1 is a little less than 3. */
const ROUNDING = 1e-9;
/** A battery must be charged by this much more (per cent) before training goes on. */
const BATTERY_HYSTERESIS_PCT = 5;
/** Input power must fall to this share of its limit. */
const INPUT_POWER_RESUME = 0.9;
/** Available memory must rise to this multiple of its floor. */
const MEMORY_FLOOR_RESUME = 1.5;

/** Least margins of the modes below the configured limits, and the share of the machine they take. */
const MODES = {
  auto: { coolerC: 0, maxDuty: 1, threads: (cores: number) => cores - 1 },
  /** For a bedroom: fans of the boards start well below the limits. */
  quiet: { coolerC: 10, maxDuty: 0.5, threads: (cores: number) => Math.floor(cores / 2) },
  performance: { coolerC: 0, maxDuty: 1, threads: (cores: number) => cores },
} as const;

/** Temperatures that a mode stops, slows down and resumes at, °C. */
export type ThermalLimits = Pick<GovernorPolicy, "resumeC" | "throttleC" | "stopC">;

export function limitsOf({ resumeC, throttleC, stopC }: ThermalLimits, mode: GovernorMode): ThermalLimits {
  const { coolerC } = MODES[mode];
  return { resumeC: resumeC - coolerC, throttleC: throttleC - coolerC, stopC: stopC - coolerC };
}

/** One thing that forbids training. Order in the table is order of importance. */
interface StopRule {
  readonly reason: GovernorReason;
  /** @param isStanding it held at the last decision, so that the threshold to leave applies. */
  holds(inputs: GovernorInputs, policy: GovernorPolicy, isStanding: boolean): boolean;
}

const hasFailed = (probe: ProbeName) => (inputs: GovernorInputs) => inputs.failed.includes(probe);

const STOP_RULES: readonly StopRule[] = [
  {
    reason: "temperature_unknown",
    holds: (inputs, { requireThermometer }) =>
      inputs.failed.includes("temperature") || (requireThermometer && inputs.readings.socTempC === null),
  },
  {
    reason: "too_hot",
    holds: ({ readings: { socTempC }, mode }, policy, isStanding) => {
      const { resumeC, stopC } = limitsOf(policy, mode);
      return socTempC === null ? isStanding : isStanding ? socTempC > resumeC : socTempC >= stopC;
    },
  },
  { reason: "throttle_unknown", holds: hasFailed("throttle") },
  { reason: "under_voltage", holds: ({ readings }) => readings.throttle?.isUnderVoltage === true },
  { reason: "hardware_slowed", holds: ({ readings }) => readings.throttle?.isSlowed === true },
  { reason: "memory_unknown", holds: hasFailed("memory") },
  {
    reason: "memory_pressure",
    holds: ({ readings: { memory } }, policy, isStanding) => {
      if (memory === null) return isStanding;
      const pressure = memory.pressurePct ?? 0;
      const floorMb = policy.memoryFloorMb * (isStanding ? MEMORY_FLOOR_RESUME : 1);
      return (
        (isStanding ? pressure > policy.memoryResumePct : pressure >= policy.memoryStopPct) ||
        memory.availableMb < floorMb
      );
    },
  },
  { reason: "power_unknown", holds: (inputs, { maxInputW }) => maxInputW !== null && hasFailed("power")(inputs) },
  {
    reason: "input_power",
    holds: ({ readings: { inputPower } }, { maxInputW }, isStanding) =>
      maxInputW !== null &&
      (inputPower === null ? isStanding : inputPower.watts >= maxInputW * (isStanding ? INPUT_POWER_RESUME : 1)),
  },
  {
    reason: "supply_unknown",
    holds: (inputs, { trainOnBattery }) =>
      trainOnBattery ? inputs.readings.isOnMains !== true && hasFailed("battery")(inputs) : hasFailed("mains")(inputs),
  },
  {
    reason: "on_battery",
    holds: ({ readings }, { trainOnBattery }) => !trainOnBattery && readings.isOnMains === false,
  },
  {
    reason: "battery_low",
    holds: ({ readings: { battery, isOnMains } }, { minBatteryPct }, isStanding) =>
      isOnMains !== true &&
      (battery === null ? isStanding : battery.percent < minBatteryPct + (isStanding ? BATTERY_HYSTERESIS_PCT : 0)),
  },
  { reason: "energy_spent", holds: ({ isEnergySpent }) => isEnergySpent },
];

/**
 * How much of the machine training may use, from the latest readings.
 *
 * INVARIANTS: duty is 0 while the temperature is at or above stopC, and from then on until it is at or below resumeC. The
 * duty falls at once and rises only `dwellMs` after its last change. A probe that failed counts as its unsafe value.
 *
 * @param nowMs monotonic, not before that of `previous`.
 * @see docs/hardware.md#thermal-limits
 */
export function decide(
  previous: GovernorState,
  inputs: GovernorInputs,
  policy: GovernorPolicy,
  nowMs: number,
): GovernorState {
  const standing = STOP_RULES.filter(({ reason, holds }) =>
    holds(inputs, policy, previous.standing.includes(reason)),
  ).map(({ reason }) => reason);
  const mode = MODES[inputs.mode];
  const threads = Math.max(1, Math.min(policy.cores, mode.threads(policy.cores)));
  const [stop] = standing;
  const now = stop === undefined ? allowedDuty(inputs, policy, 0) : 0;
  const rising = stop === undefined ? allowedDuty(inputs, policy, policy.hysteresisC) : 0;
  const isSettled = previous.changedAtMs === null || nowMs - previous.changedAtMs >= policy.dwellMs;
  const change = now < previous.duty ? now : rising > previous.duty && isSettled ? rising : previous.duty;
  const isHeldBack = stop === undefined && !isSettled && rising > change;
  const isWarm = change < mode.maxDuty;
  return {
    duty: change,
    threads,
    reason: stop ?? (isHeldBack ? "settling" : isWarm ? "warm" : "none"),
    standing,
    changedAtMs: change === previous.duty ? previous.changedAtMs : nowMs,
  };
}

/** 1 up to throttleC, then falling in a straight line that reaches one step at stopC. `marginC` makes it stricter. */
function allowedDuty({ readings, mode }: GovernorInputs, policy: GovernorPolicy, marginC: number): number {
  const { throttleC, stopC } = limitsOf(policy, mode);
  const excessC = readings.socTempC === null ? 0 : readings.socTempC + marginC - throttleC;
  const share = 1 - Math.max(0, excessC) / (stopC - throttleC);
  const stepped = Math.floor(share / DUTY_STEP + ROUNDING) * DUTY_STEP;
  return Math.min(MODES[mode].maxDuty, Number(Math.max(DUTY_STEP, stepped).toFixed(1)));
}

/** The state as the trainer's owner sees it; `isUserActive` takes everything away at once. */
export function budgetOf(state: GovernorState, isUserActive: boolean): GovernorBudget {
  return {
    duty: isUserActive ? 0 : state.duty,
    threads: state.threads,
    reason: isUserActive ? "user_active" : state.reason,
    releaseMemory: state.standing.includes("memory_pressure"),
  };
}
