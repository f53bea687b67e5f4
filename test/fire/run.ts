import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLongTest } from "../support/long-test.ts";
import { fire } from "./fire.ts";
import { PHASES } from "./phases.ts";

const HELP = `Usage: npm run -s fire -- [--kills N] [--seed S] [--phase NAME]... [--json]

Kills the built service (kill -9, or everything at once as a power cut does) at random instants of its work, starts it
again and checks that everything it had acknowledged is there, nothing is broken, and it always starts.

  --kills N      how often (default 200; about 4 s each)
  --seed S       random instants are drawn from it (default: the time; printed, so that a run can be repeated)
  --phase NAME   only these: ${PHASES.map(({ name }) => name).join(", ")}
  --json         one JSON object as the last line of stdout, lines for people on stderr

Exit code 0: everything held; 1: something did not (its state folder is kept and named); 2: usage.`;

await runLongTest({
  name: "fire",
  help: HELP,
  amount: { option: "kills", fallback: 200, isValid: (kills) => Number.isInteger(kills) && kills >= 1 },
  seed: Date.now() % 2 ** 31,
  only: { option: "phase", isKnown: (name) => PHASES.some((phase) => phase.name === name) },
  run: async ({ amount: kills, seed, only, log }) => {
    const folder = mkdtempSync(join(tmpdir(), "asls-fire-"));
    const report = await fire({ kills, seed, folder, phases: only, log });
    const isHeld = report.problems.length === 0 && report.orphans === 0;
    if (!isHeld) log(`fire: the state folders are in ${folder}`);
    const line =
      `${report.kills} kills: ${report.lost} lost, ${report.corrupt} corrupt, ${report.failed_starts} failed starts, ` +
      `${report.orphans} orphaned trainers`;
    return { report, line, isHeld };
  },
});
