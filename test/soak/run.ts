import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLongTest } from "../support/long-test.ts";
import { soak } from "./soak.ts";

const HELP = `Usage: npm run -s soak -- [--days N] [--seed S] [--json]

Lives with the built service on the virtual board and a Mosquitto for N days of its time: turns, corrections, training,
and faults that come and go. Idle time is skipped (up to 1000 times faster); everything else takes the time it takes.

  --days N   days of the device's time (default 7; about 2 minutes each on an idle machine)
  --seed S   times of what happens are drawn from it (default 1)
  --json     one JSON object as the last line of stdout, lines for people on stderr

Exit code 0: nothing failed, memory grew by less than 2 % from the second day to the last, file descriptors stayed, and less
than 50 MB were written a day; 1: something of that did not hold (the state folder is kept and named); 2: usage.`;

await runLongTest({
  name: "soak",
  help: HELP,
  amount: { option: "days", fallback: 7, isValid: (days) => days > 0 && days <= 366 },
  seed: 1,
  run: async ({ amount: days, seed, log }) => {
    const folder = mkdtempSync(join(tmpdir(), "asls-soak-"));
    const report = await soak({ days, seed, folder, log });
    const isHeld = report.failed.length === 0;
    if (isHeld) rmSync(folder, { recursive: true, force: true });
    else log(`soak: state and log are in ${folder}`);
    const line =
      `${report.turns} turns, ${report.jobs} jobs (${report.full_jobs} full), ${report.faults} faults; memory ` +
      `${report.rss_growth_pct} %, descriptors ${report.fd_growth}, ${report.written_mb_per_day} MB a day`;
    return { report, line, isHeld };
  },
});
