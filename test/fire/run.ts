import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
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

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "200" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      phase: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [kills, seed] = [Number(values.kills), Number(values.seed)];
  const unknown = values.phase?.find((name) => !PHASES.some((phase) => phase.name === name));
  if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed) || unknown !== undefined) {
    console.error(HELP);
    return 2;
  }
  const log = values.json ? console.error : console.log;
  const folder = mkdtempSync(join(tmpdir(), "asls-fire-"));
  log(`fire: ${kills} kills, seed ${seed}, in ${folder}`);
  const began = performance.now();
  const report = await fire({ kills, seed, folder, phases: values.phase, log });
  const wallS = Math.round((performance.now() - began) / 1000);
  const held = report.problems.length === 0 && report.orphans === 0;
  log(
    `fire: ${report.kills} kills: ${report.lost} lost, ${report.corrupt} corrupt, ${report.failed_starts} failed starts, ` +
      `${report.orphans} orphaned trainers; ${wallS} s, seed ${seed}`,
  );
  if (!held) log(`fire: the state folders are in ${folder}`);
  if (values.json) console.log(JSON.stringify({ ...report, wall_s: wallS }));
  return held ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = process.exitCode || 1;
}
