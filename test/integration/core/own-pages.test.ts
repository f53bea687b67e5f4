import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { expect, test } from "vitest";
import { ownPages } from "../../../src/core/own-pages.ts";
import { describeWhen } from "../../support/describe-when.ts";

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const [major = 0, minor = 0] = release().split(".").map(Number);
const lacks = major > 5 || (major === 5 && minor >= 14) ? null : `Linux ${release()} is older than 5.14`;

/** Page faults of this process so far that needed no disk: minflt of proc_pid_stat(5). */
function faults(): number {
  return Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[7]);
}

function residentBytes(): number {
  return Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * PAGE_BYTES;
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
    const before = residentBytes();
    await startAndEndChild();
    await ownPages();
    expect(residentBytes() - before).toBeLessThan(32 * MIB);
    expect([sum, untouched.length]).toEqual([0, 256 * MIB]);
  });
});
