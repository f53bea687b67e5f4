import { AppError } from "../../core/errors.ts";
import type { BatteryReading, BoardBackend, BoardProbes, MemoryReading, PowerReading, ThrottleState } from "./ports.ts";

/** What a simulated board tells. Null: the probe fails; undefined: the board has none. */
export interface VirtualReadings {
  readonly socTempC: number | null;
  readonly throttle: ThrottleState | null;
  readonly inputPower: PowerReading | null;
  readonly isOnMains: boolean | null;
  readonly battery: BatteryReading | null | undefined;
  readonly memory: MemoryReading | null;
  readonly cpuLoad: number | null;
}

/** A cool board on mains, without a battery. */
const CALM_BOARD: VirtualReadings = {
  socTempC: 45,
  throttle: { isUnderVoltage: false, isSlowed: false },
  inputPower: { watts: 3, scope: "board" },
  isOnMains: true,
  battery: undefined,
  memory: { pressurePct: 0, availableMb: 4_096 },
  cpuLoad: 0.05,
};

/** The sensors of the virtual board: they say what they are told to. */
export class VirtualBoardBackend implements BoardBackend {
  readonly name = "virtual";
  #readings: VirtualReadings;

  constructor(initial: Partial<VirtualReadings> = {}) {
    this.#readings = { ...CALM_BOARD, ...initial };
  }

  set(changes: Partial<VirtualReadings>): void {
    this.#readings = { ...this.#readings, ...changes };
  }

  async matches(): Promise<boolean> {
    return true;
  }

  async discover(): Promise<BoardProbes> {
    return {
      temperature: async () => given(this.#readings.socTempC),
      throttle: async () => given(this.#readings.throttle),
      power: async () => given(this.#readings.inputPower),
      mains: async () => given(this.#readings.isOnMains),
      battery: async () => (this.#readings.battery === undefined ? null : given(this.#readings.battery)),
      memory: async () => given(this.#readings.memory),
      load: async () => given(this.#readings.cpuLoad),
    };
  }
}

function given<T>(value: T | null): T {
  if (value === null) throw new AppError("E_SENSOR_FAILED", "this virtual probe is set to fail");
  return value;
}
