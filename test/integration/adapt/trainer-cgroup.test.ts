import { execFile } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { makeTrainerGroup } from "../../../src/adapt/trainer-cgroup.ts";
import { builtFile } from "../../../src/core/built-file.ts";
import { randomId } from "../../../src/core/ids.ts";
import { cgroupObstacle, cgroupRoot } from "../../support/cgroup.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const LIMITS = { memoryHighBytes: 400, memoryMaxBytes: 500 };
const PID = 4711;
const UNIT = "cgroup/asls.slice/asls.service";

/**
 * A cgroup file system as the kernel shows it to a delegated unit, in plain files. Files of the leaves are there from
 * the start, since only the kernel makes them appear with their folder; one that is left out is a controller it lacks.
 */
async function plantUnit(folder: TempDir, changes: Readonly<Record<string, string | null>> = {}): Promise<void> {
  const files: Record<string, string | null> = {
    "proc/cgroup": "0::/asls.slice/asls.service\n",
    "proc/mountinfo": `25 30 0:23 / /sys rw - sysfs sysfs rw\n33 25 0:28 / ${folder.join("cgroup")} rw,nosuid - cgroup2 cgroup2 rw\n`,
    [`${UNIT}/cgroup.procs`]: `${PID}\n`,
    [`${UNIT}/cgroup.controllers`]: "cpu io memory pids\n",
    [`${UNIT}/cgroup.subtree_control`]: "",
    [`${UNIT}/main/cgroup.procs`]: "",
    ...Object.fromEntries(
      ["freeze", "idle", "io.weight", "memory.high", "memory.max", "memory.oom.group"].map((name) => [
        `${UNIT}/trainer/${{ freeze: "cgroup.freeze", idle: "cpu.idle" }[name] ?? name}`,
        "",
      ]),
    ),
    ...changes,
  };
  for (const [name, text] of Object.entries(files)) {
    if (text === null) continue;
    await mkdir(dirname(folder.join(name)), { recursive: true });
    await writeFile(folder.join(name), text);
  }
}

it("moves the service into a leaf and restrains the trainer's group with all that the kernel offers", async () => {
  await using folder = await makeTempDir("cgroup");
  await plantUnit(folder);
  const group = await makeTrainerGroup(LIMITS, PID, folder.join("proc"));
  expect(group).toEqual({
    kind: "made",
    folder: folder.join(`${UNIT}/trainer`),
    applied: ["cpu.idle=1", "io.weight=default 1", "memory.high=400", "memory.max=500", "memory.oom.group=1"],
  });
  expect(await readFile(folder.join(`${UNIT}/main/cgroup.procs`), "utf8")).toBe(`${PID}`);
  expect(await readFile(folder.join(`${UNIT}/trainer/memory.high`), "utf8")).toBe("400");
});

it("without the memory controller and cpu.idle (Raspberry Pi OS as it comes) the least CPU weight remains", async () => {
  await using folder = await makeTempDir("cgroup");
  const lacks = ["memory.high", "memory.max", "memory.oom.group", "io.weight", "cpu.idle"];
  await plantUnit(folder, {
    [`${UNIT}/cgroup.controllers`]: "cpu pids\n",
    ...Object.fromEntries(lacks.map((name) => [`${UNIT}/trainer/${name}`, null])),
    [`${UNIT}/trainer/cpu.weight`]: "",
  });
  const group = await makeTrainerGroup(LIMITS, PID, folder.join("proc"));
  expect(group).toMatchObject({ kind: "made", applied: ["cpu.weight=1"] });
});

it.each([
  ["shares its cgroup", { [`${UNIT}/cgroup.procs`]: `${PID}\n1234\n` }],
  ["root", { "proc/cgroup": "0::/\n" }],
  ["version 2", { "proc/mountinfo": "33 25 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" }],
  ["not delegated", { [`${UNIT}/cgroup.procs`]: null }],
])("makes no group when the service %s", async (reason, changes) => {
  await using folder = await makeTempDir("cgroup");
  await plantUnit(folder, changes);
  const group = await makeTrainerGroup(LIMITS, PID, folder.join("proc"));
  expect(group).toMatchObject({ kind: "none", reason: expect.stringContaining(reason) });
});

/** A service of its own group that makes the trainer's, adopts a child, freezes and thaws it, and says what it saw. */
const SERVICE = `
  import { spawn } from "node:child_process";
  import { readFileSync, writeFileSync } from "node:fs";
  const [unit, cgroupModule, freezerModule] = process.argv.slice(1);
  writeFileSync(unit + "/cgroup.procs", String(process.pid));
  const { makeTrainerGroup } = await import(cgroupModule);
  const { CgroupFreezer } = await import(freezerModule);
  const group = await makeTrainerGroup({ memoryHighBytes: 1e9, memoryMaxBytes: 2e9 });
  const child = spawn("sleep", ["600"]);
  const freezer = new CgroupFreezer(group.folder, { warn: console.error });
  freezer.adopt(child.pid);
  const groupOf = (pid) => /^0::(.*)$/m.exec(readFileSync("/proc/" + pid + "/cgroup", "utf8"))[1];
  await freezer.freeze(child.pid);
  const frozen = readFileSync(group.folder + "/cgroup.events", "utf8");
  const seen = { kind: group.kind, own: groupOf(process.pid), trainer: groupOf(child.pid), frozen };
  await freezer.thaw(child.pid);
  child.kill();
  await new Promise((resolve) => child.once("close", resolve));
  console.log(JSON.stringify(seen));
`;

describeWhen(cgroupObstacle(), "the trainer's group in this kernel", () => {
  it("holds the trainer and not the service, and freezes it", async () => {
    const name = randomId("asls-test");
    const unit = join(cgroupRoot(), name);
    mkdirSync(unit);
    try {
      const modules = [builtFile("adapt/trainer-cgroup"), builtFile("adapt/freezer")];
      const { stdout } = await promisify(execFile)(process.execPath, [
        "--input-type=module",
        "-e",
        SERVICE,
        unit,
        ...modules,
      ]);
      const seen = JSON.parse(stdout);
      expect(seen).toMatchObject({
        kind: "made",
        own: expect.stringMatching(new RegExp(`/${name}/main$`)),
        trainer: expect.stringMatching(new RegExp(`/${name}/trainer$`)),
        frozen: expect.stringContaining("frozen 1"),
      });
    } finally {
      for (const folder of ["main", "trainer", ""]) rmdirSync(join(unit, folder));
    }
  });
});
