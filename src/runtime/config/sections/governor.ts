import { decimalNumber, integer, integerOrNone, oneOf, yesNo } from "../config-key.ts";

const celsius = (info: { default: number; doc: string }) => decimalNumber({ min: 0, max: 110, ...info });
const percent = (info: { default: number; doc: string }) => decimalNumber({ min: 0, max: 100, ...info });

export const governorSection = {
  mode: oneOf(["auto", "quiet", "performance"], {
    default: "auto",
    doc: "How much training may take. quiet: half of the processor and 10 °C cooler; performance: all threads.",
  }),
  resumeC: celsius({ default: 62, doc: "Training that was stopped for heat goes on at this temperature (°C)." }),
  throttleC: celsius({ default: 66, doc: "Training slows down from this temperature (°C) on." }),
  stopC: celsius({ default: 76, doc: "Training stops at this temperature (°C). Below the board's own limit." }),
  hysteresisC: celsius({ default: 3, doc: "Cooler than needed by this much (°C) before training becomes faster." }),
  requireThermometer: yesNo({
    default: true,
    doc: "No training on a board whose temperature cannot be read. false: train all the same, e.g. in a virtual machine.",
  }),
  dwellMs: integer({
    min: 1_000,
    max: 3_600_000,
    default: 30_000,
    doc: "Training becomes faster no sooner than this (ms) after the last change; slower at once.",
  }),
  graceMs: integer({
    min: 0,
    max: 600_000,
    default: 5_000,
    doc: "Training goes on this long (ms) after a turn has ended.",
  }),
  trainOnBattery: yesNo({ default: false, doc: "Train without mains, too, down to governor.minBatteryPct." }),
  minBatteryPct: percent({ default: 50, doc: "No training below this charge (per cent) while on battery." }),
  memoryStopPct: percent({
    default: 10,
    doc: "Training gives its memory back at this memory pressure (per cent of the last 10 s that tasks waited).",
  }),
  memoryResumePct: percent({ default: 2, doc: "It may start again at this memory pressure (per cent)." }),
  memoryFloorMb: integer({
    min: 0,
    max: 65_536,
    default: 100,
    doc: "Training gives its memory back when less than this (MiB) is available.",
  }),
  maxInputW: integerOrNone({
    min: 1,
    max: 1_000,
    default: null,
    doc: "Training stops when the board takes this much (watts), e.g. with a weak supply. null: no limit.",
  }),
  dailyWh: integerOrNone({
    min: 0,
    max: 10_000,
    default: 24,
    doc: "Energy that training may take a day (Wh, above what the board takes anyway). 0: no training; null: no limit.",
  }),
  wattsPerThread: decimalNumber({
    min: 0.1,
    max: 50,
    default: 4,
    doc: "What one busy thread takes (watts), for boards that cannot measure it. docs/hardware.md has figures.",
  }),
  intervalMs: integer({
    min: 500,
    max: 60_000,
    default: 5_000,
    doc: "Time between two looks at the sensors (ms) while nothing trains.",
  }),
  trainingIntervalMs: integer({
    min: 100,
    max: 10_000,
    default: 500,
    doc: "Time between two looks at the sensors (ms) while training.",
  }),
};
