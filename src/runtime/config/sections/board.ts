import { decimalNumber, integer, integerOrNone, oneOf, path, yesNo } from "../config-key.ts";

/** Boards with a profile of their own; `generic` is any other Linux machine. */
export const BOARD_NAMES = ["virtual", "rpi4", "rpi5", "jetson-orin", "generic"] as const;
export type BoardName = (typeof BOARD_NAMES)[number];

export const boardSection = {
  profile: oneOf(["auto", ...BOARD_NAMES], {
    default: "auto",
    doc: "Whose defaults to use. auto reads the device tree; virtual simulates microphone, buttons and sensors.",
  }),
};

export const pathsSection = {
  configDir: path({
    default: "/etc/asls",
    doc: "Folder of asls.yaml and conf.d/*.yaml. Settable by environment or --set only.",
  }),
  stateDir: path({
    default: "/var/lib/asls",
    doc: "Profiles, adapters and keys; survives restarts. Needs mode 0700.",
  }),
  runtimeDir: path({
    default: "/run/asls",
    doc: "Control socket and decrypted adapters; should be in memory (tmpfs).",
  }),
  modelsDir: path({ default: "", doc: "Downloaded models. Empty: models inside paths.stateDir." }),
};

export const virtualSection = {
  speed: decimalNumber({
    min: 0.1,
    max: 100,
    default: 1,
    doc: "How much faster than real time the virtual microphone plays its audio.",
  }),
  socTempC: decimalNumber({
    min: -40,
    max: 150,
    default: 45,
    doc: "Temperature of the virtual board (°C) at the start; `asls board set` changes it.",
  }),
  mains: yesNo({ default: true, doc: "The virtual board is on mains at the start." }),
  batteryPct: integerOrNone({
    min: 0,
    max: 100,
    default: null,
    doc: "Charge of the virtual board's battery (per cent) at the start. null: it has none.",
  }),
  aheadS: integer({
    min: 0,
    max: 3_153_600_000,
    default: 0,
    doc: "The virtual board's clock is ahead of the machine's by this (s) at the start; `asls board skip` skips idle time.",
  }),
};
