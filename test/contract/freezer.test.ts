import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CgroupFreezer, SignalFreezer } from "../../src/adapt/freezer.ts";
import type { Freezer } from "../../src/adapt/ports.ts";
import { randomId } from "../../src/core/ids.ts";

/** A process with three busy threads. */
const BUSY =
  'const {Worker}=require("node:worker_threads");for(let i=0;i<2;i++)new Worker("for(;;);",{eval:true});setTimeout(()=>{for(;;);},1);';

/** Processor time of all threads, ns. @see Linux Documentation/scheduler/sched-stats.rst */
function cpuNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Behaviour that every {@link Freezer} shares, on a real process. */
function freezerContract(name: string, makeFreezer: () => Freezer): void {
  describe(`freezer contract: ${name}`, () => {
    it("leaves three busy threads no processor time from freeze to thaw, and gives it back", async () => {
      const child = spawn(process.execPath, ["-e", BUSY]);
      const pid = child.pid ?? 0;
      const freezer = makeFreezer();
      try {
        await vi.waitFor(() => expect(readdirSync(`/proc/${pid}/task`).length).toBeGreaterThan(2), { timeout: 20_000 });
        await freezer.freeze(pid);
        const whenFrozen = cpuNs(pid);
        await turns(2_000);
        expect(cpuNs(pid)).toBe(whenFrozen);
        await freezer.thaw(pid);
        await vi.waitFor(() => expect(cpuNs(pid)).toBeGreaterThan(whenFrozen), { timeout: 20_000 });
      } finally {
        child.kill("SIGKILL");
        await once(child, "close");
      }
    });

    it("freezes and thaws twice without complaint", async () => {
      const child = spawn("sleep", ["600"]);
      const pid = child.pid ?? 0;
      const freezer = makeFreezer();
      for (const order of ["freeze", "freeze", "thaw", "thaw"] as const) await freezer[order](pid);
      child.kill();
      const [, signal] = await once(child, "close");
      expect(signal).toBe("SIGTERM");
    });

    it("takes a process that is gone for frozen", async () => {
      const child = spawn("true");
      await once(child, "close");
      const freezer = makeFreezer();
      await freezer.freeze(child.pid ?? 0);
      await freezer.thaw(child.pid ?? 0);
    });
  });
}

freezerContract("SIGSTOP", () => new SignalFreezer());

const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
const cgroup = `${mount}/${randomId("asls-test")}`;

function cgroupObstacle(): string | null {
  if (mount === undefined) return "there is no cgroup version 2 here";
  try {
    accessSync(mount, constants.W_OK);
    mkdirSync(cgroup);
    const isUsable = existsSync(`${cgroup}/cgroup.freeze`);
    rmdirSync(cgroup);
    return isUsable ? null : "this kernel's cgroups cannot be frozen";
  } catch {
    return `${mount} is not ours to write`;
  }
}

const obstacle = cgroupObstacle();
if (obstacle === null) {
  beforeAll(() => mkdirSync(cgroup));
  afterAll(() => rmdirSync(cgroup));
  freezerContract("cgroup", () => new CgroupFreezer(cgroup));
} else {
  describe.skip(`freezer contract: cgroup (${obstacle})`, () => {
    it("is the same as with SIGSTOP", () => {});
  });
}
