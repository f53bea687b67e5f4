import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fire } from "../fire/fire.ts";

/** The long run is `npm run fire`. */
const KILLS = 9;
const TIMEOUT_MS = 600_000;

test(
  "killed once in a turn, feedback, training, checkpoint, gate, swap, deletion, forgetting and migration, it loses nothing",
  async () => {
    const lines: string[] = [];
    const folder = mkdtempSync(join(tmpdir(), "asls-fire-test-"));
    const report = await fire({ kills: KILLS, seed: 1, folder, log: (line) => lines.push(line) });
    expect(report, lines.join("\n")).toMatchObject({ kills: KILLS, lost: 0, corrupt: 0, failed_starts: 0, orphans: 0 });
    expect(Object.keys(report.phases)).toHaveLength(KILLS);
  },
  TIMEOUT_MS,
);
