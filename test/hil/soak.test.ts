import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { soak } from "../soak/soak.ts";
import { mosquittoPath } from "../support/broker.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { notVirtual } from "./open-board.ts";

/** The long run is `npm run soak`. */
const DAYS = 0.2;

describeWhen(
  notVirtual ?? lacksProgram("flite") ?? (mosquittoPath() === null ? "mosquitto not installed" : null),
  "five hours in fast motion",
  () => {
    test("conversations, faults, an end by SIGTERM and one by SIGKILL: nothing is lost, no file descriptor stays", async () => {
      const lines: string[] = [];
      const folder = mkdtempSync(join(tmpdir(), "asls-soak-test-"));
      const report = await soak({ days: DAYS, seed: 1, folder, log: (line) => lines.push(line) });
      expect(report.failed, lines.join("\n")).toEqual([]);
      expect(report).toMatchObject({ days: DAYS, turns: 18, faults: 8 });
      expect(report.jobs).toBeGreaterThan(0);
      rmSync(folder, { recursive: true, force: true });
    });
  },
);
