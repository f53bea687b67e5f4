import type { ProbeName } from "../../sensors/board/ports.ts";
import type { TracePoint } from "./trace.ts";

/** A board as a first-order thermal model: temperature = ambient + kPerW * power, reached with a time constant. */
export interface ThermalModel {
  readonly name: string;
  /** Thermal resistance from the processor to the air, K/W. */
  readonly kPerW: number;
  readonly timeConstantS: number;
  readonly idleW: number;
  /** One busy thread above idle. */
  readonly wattsPerThread: number;
  /** A turn of the user above idle: all cores for speech and language model. */
  readonly turnW: number;
}

/**
 * A Raspberry Pi 5 with a small heat sink and no fan, chosen so that full training in a warm room does not come to rest
 * below the stop temperature: 22 °C + 9 K/W x (2.7 + 3 x 1.5) W = 87 °C. An assumption for the simulation and no
 * measurement of a board.
 */
export const FANLESS_BOARD: ThermalModel = {
  name: "fanless board",
  kPerW: 9,
  timeConstantS: 240,
  idleW: 2.7,
  wattsPerThread: 1.5,
  turnW: 6,
};

const HOUR_S = 3_600;
const COVERED_FACTOR = 1.9;
export const DAY_S = 24 * HOUR_S;

/** What happens on the simulated day besides training, by second of the day. */
export interface DayEvents {
  readonly ambientC: number;
  /** Something lies on the vents: the board gives off less heat. */
  readonly isCovered: boolean;
  readonly isOnMains: boolean;
  readonly isUserActive: boolean;
  readonly memoryPressurePct: number;
  readonly isUnderVoltage: boolean;
  readonly failed: readonly ProbeName[];
}

/**
 * The day of the plots: 18 °C at four in the morning, 30 °C in the afternoon; a turn of 15 s every 10 min from 7 to 9 and
 * from 18 to 22; and one accident of each kind.
 */
export function dayEvents(atS: number): DayEvents {
  const hour = atS / HOUR_S;
  const between = (from: number, minutes: number) => hour >= from && hour < from + minutes / 60;
  const isSociable = (hour >= 7 && hour < 9) || (hour >= 18 && hour < 22);
  return {
    ambientC: 24 - 6 * Math.cos(((hour - 4) / 24) * 2 * Math.PI),
    isCovered: between(15.5, 45),
    isUserActive: isSociable && atS % 600 < 15,
    memoryPressurePct: between(10, 4) ? 25 : 0,
    isUnderVoltage: between(12, 2),
    isOnMains: !between(13, 25),
    failed: between(5, 10) ? ["temperature"] : [],
  };
}

/** The model's next temperature, °C. */
export function warmed(model: ThermalModel, tempC: number, events: DayEvents, watts: number, stepS: number): number {
  const kPerW = model.kPerW * (events.isCovered ? COVERED_FACTOR : 1);
  const restC = events.ambientC + kPerW * watts;
  return restC + (tempC - restC) * Math.exp(-stepS / model.timeConstantS);
}

/** What the board's sensors say at that moment. */
export function dayPoint(atS: number, events: DayEvents, tempC: number, watts: number): TracePoint {
  const isHidden = events.failed.includes("temperature");
  return {
    atS,
    isUserActive: events.isUserActive,
    sample: {
      failed: events.failed,
      readings: {
        socTempC: isHidden ? null : tempC,
        throttle: { isUnderVoltage: events.isUnderVoltage, isSlowed: false },
        inputPower: { watts, scope: "board" },
        isOnMains: events.isOnMains,
        battery: null,
        memory: { pressurePct: events.memoryPressurePct, availableMb: 4_096 },
        cpuLoad: null,
      },
    },
  };
}
