import type { ConfigOf } from "../../src/runtime/config/config-key.ts";
import { governorSection } from "../../src/runtime/config/sections/governor.ts";
import { plotSvg } from "../../src/runtime/governor/plot-svg.ts";
import { type GovernorMode, limitsOf } from "../../src/runtime/governor/policy.ts";
import { simulateDay } from "../../src/runtime/governor/simulate.ts";
import { FANLESS_BOARD } from "../../src/runtime/governor/simulated-day.ts";

/** Boards of the plots have four cores, whatever machine draws them. */
const CORES = 4;
const STEP_S = 5;

/** A plot of docs/hardware.md: the simulated day with the default limits. Always the same text. */
export function governorPlot(mode: GovernorMode, dailyWh: number | null): string {
  const policy = { ...defaults(), cores: CORES };
  const { points } = simulateDay(FANLESS_BOARD, {
    policy,
    mode,
    dailyWh,
    wattsPerThread: FANLESS_BOARD.wattsPerThread,
    stepS: STEP_S,
  });
  return plotSvg(`One day of a ${FANLESS_BOARD.name}, mode ${mode}`, points, limitsOf(policy, mode));
}

function defaults(): ConfigOf<typeof governorSection> {
  const entries = Object.entries(governorSection).map(([name, key]) => [name, key.default]);
  return Object.fromEntries(entries);
}
