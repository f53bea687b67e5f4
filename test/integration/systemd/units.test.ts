import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { describeWhen, lacksProgram } from "../../support/describe-when.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const run = promisify(execFile);
const UNITS = ["asls.service", "asls.slice"];

/** The units with the Node that runs the tests in place of the board's. */
async function unitsIn(folder: TempDir, change: (unit: string) => string = (unit) => unit): Promise<string[]> {
  const paths = UNITS.map((name) => folder.join(name));
  for (const [index, name] of UNITS.entries()) {
    const unit = await readFile(`${packageRoot}systemd/${name}`, "utf8");
    await writeFile(paths[index] ?? "", change(unit.replace("/usr/lib/asls/bin/node", process.execPath)));
  }
  return paths;
}

/** Everything `systemd-analyze verify` says: it returns 0 even on a key that it does not know. */
async function complaints(paths: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", ...paths]);
  return (stdout + stderr)
    .split("\n")
    .filter((line) => line.includes("asls"))
    .join("\n");
}

describeWhen(lacksProgram("systemd-analyze"), "systemd units", () => {
  test("systemd-analyze verify has nothing to say", async () => {
    await using folder = await makeTempDir("units");
    expect(await complaints(await unitsIn(folder))).toBe("");
  });

  test("an unknown key would be noticed", async () => {
    await using folder = await makeTempDir("units");
    const paths = await unitsIn(folder, (unit) => unit.replace("WatchdogSec=", "WatchDogSeconds="));
    expect(await complaints(paths)).toContain("WatchDogSeconds");
  });

  test("memory of the service is never swapped out: a key or value that systemd does not take would be noticed", async () => {
    await using folder = await makeTempDir("units");
    const [service = ""] = await unitsIn(folder);
    expect((await readFile(service, "utf8")).match(/^MemorySwapMax=.*$/gm)).toEqual(["MemorySwapMax=0"]);
    const paths = await unitsIn(folder, (unit) => unit.replace("MemorySwapMax=0", "MemorySwapMax=none"));
    expect(await complaints(paths)).toContain("none");
  });

  test("the exposure of asls.service is at most 2.0", async () => {
    await using folder = await makeTempDir("units");
    const [service = ""] = await unitsIn(folder);
    const { stdout } = await run("systemd-analyze", ["security", "--offline=true", "--threshold=20", service]);
    expect(stdout).toMatch(/Overall exposure level for asls.service: [01]\.\d|2\.0/);
  });

  test("without its sandbox the exposure would be refused", async () => {
    await using folder = await makeTempDir("units");
    const [service = ""] = await unitsIn(folder, (unit) => unit.replace(/^(Protect|Restrict|System).*$/gm, ""));
    const check = run("systemd-analyze", ["security", "--offline=true", "--threshold=20", service]);
    await expect(check).rejects.toMatchObject({ code: expect.any(Number) });
  });
});
