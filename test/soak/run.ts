import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

const HELP = `Usage: npm run -s soak -- [--days N] [--seed S] [--json]

Lives with the built service on the virtual board and a Mosquitto for N days of its time: turns, corrections, training,
and faults that come and go. Idle time is skipped (up to 1000 times faster); everything else takes the time it takes.

  --days N   days of the device's time (default 7; about 2 minutes each on an idle machine)
  --seed S   times of what happens are drawn from it (default 1)
  --json     one JSON object as the last line of stdout, lines for people on stderr

Exit code 0: nothing failed, memory grew by less than 2 % from the second day to the last, file descriptors stayed, and less
than 50 MB were written a day; 1: something of that did not hold (the state folder is kept and named); 2: usage.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      days: { type: "string", default: "7" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [days, seed] = [Number(values.days), Number(values.seed)];
  if (!(days > 0 && days <= 366) || !Number.isInteger(seed)) {
    console.error(HELP);
    return 2;
  }
  const log = values.json ? console.error : console.log;
  const folder = mkdtempSync(join(tmpdir(), "asls-soak-"));
  log(`soak: ${days} days, seed ${seed}, in ${folder}`);
  const began = performance.now();
  const report = await soak({ days, seed, folder, log });
  const wall_s = Math.round((performance.now() - began) / 1000);
  log(
    `soak: ${report.turns} turns, ${report.jobs} jobs (${report.full_jobs} full), ${report.faults} faults; memory ` +
      `${report.rss_growth_pct} %, descriptors ${report.fd_growth}, ${report.written_mb_per_day} MB a day; ${wall_s} s`,
  );
  const held = report.failed.length === 0;
  if (held) rmSync(folder, { recursive: true, force: true });
  else log(`soak: state and log are in ${folder}`);
  if (values.json) console.log(JSON.stringify({ ...report, wall_s }));
  return held ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = process.exitCode || 1;
}
