import { spawn } from "node:child_process";
import { once } from "node:events";
import { release } from "node:os";
import { expect, test } from "vitest";
import { writeTokenFile } from "../../../src/adapt/token-file.ts";
import { ownPages } from "../../../src/core/own-pages.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { lacksTrainer, realTrainer, SEED_MODEL } from "../../support/trainer-rig.ts";

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const [major = 0, minor = 0] = release().split(".").map(Number);
const lacks = major > 5 || (major === 5 && minor >= 14) ? null : `Linux ${release()} is older than 5.14`;

/** Page faults of this process so far that needed no disk. */
function faults(): number {
  return process.resourceUsage().minorPageFault;
}

function writeToEachPage(buffer: Buffer): void {
  for (let at = 0; at < buffer.length; at += PAGE_BYTES) buffer[at] = (buffer[at] ?? 0) + 1;
}

async function startAndEndChild(): Promise<void> {
  await once(spawn("true", { stdio: "ignore" }), "exit");
}

describeWhen(lacks, "memory after a child was started", () => {
  test("is written without a fault per page, and holds what it held", async () => {
    const buffer = Buffer.alloc(32 * MIB, 7);
    await startAndEndChild();
    await ownPages();
    const before = faults();
    writeToEachPage(buffer);
    expect(faults() - before).toBeLessThan(1_000);
    expect(buffer.subarray(0, 2)).toEqual(Buffer.from([8, 7]));
    expect(buffer[buffer.length - 1]).toBe(7);
  });

  test("that was never written is not taken from the system, be it read or not", async () => {
    const untouched = Buffer.allocUnsafeSlow(256 * MIB);
    const onlyRead = Buffer.allocUnsafeSlow(256 * MIB);
    let sum = 0;
    for (let at = 0; at < onlyRead.length; at += PAGE_BYTES) sum += onlyRead[at] ?? 0;
    const before = process.memoryUsage.rss();
    await startAndEndChild();
    await ownPages();
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * MIB);
    expect([sum, untouched.length]).toEqual([0, 256 * MIB]);
  });
});

describeWhen(lacks ?? lacksTrainer, "memory after a training", () => {
  test("is written without a fault per page: the pages were taken back when the trainer was started", async () => {
    await using folder = await makeTempDir("pages");
    const data = folder.join("data.jsonl");
    await writeTokenFile(data, [{ id: "e1", kind: "ce", tokens: [1, 2, 3, 4], targets: [[2, 4]] }]);
    const buffer = Buffer.alloc(32 * MIB, 7);
    const job = {
      mode: "train",
      model: SEED_MODEL,
      data,
      out: folder.join("out.gguf"),
      optimiser: { steps: 50 },
    } as const;
    await realTrainer().run(job).ended;
    const before = faults();
    writeToEachPage(buffer);
    expect(faults() - before).toBeLessThan(1_000);
  });
});
