import { integer, oneOf } from "../config-key.ts";

/** Least severe first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export const logSection = {
  level: oneOf(LOG_LEVELS, { default: "info", doc: "Least severe line that is written." }),
  format: oneOf(["journald", "json"], {
    default: "journald",
    doc: "journald: JSON lines with the <N> priority prefix; json: JSON lines with a time.",
  }),
};

export const serviceSection = {
  loopLagMs: integer({
    min: 50,
    max: 60_000,
    default: 2_000,
    doc: "An event loop blocked for longer than this (ms) fails the watchdog.",
  }),
};
