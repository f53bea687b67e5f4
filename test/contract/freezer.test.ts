import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CgroupFreezer, SignalFreezer } from "../../src/adapt/freezer.ts";
import type { Freezer } from "../../src/adapt/ports.ts";
import { randomId } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { cgroupObstacle, cgroupRoot } from "../support/cgroup.ts";
import { processorNs, turns } from "../support/processor-time.ts";

/** A process with three busy threads. */
const BUSY =
  'const {Worker}=require("node:worker_threads");for(let i=0;i<2;i++)new Worker("for(;;);",{eval:true});setTimeout(()=>{for(;;);},1);';

/** Behaviour that every {@link Freezer} shares, on a real process. */
function freezerContract(name: string, makeFreezer: () => Freezer): void {
  describe(`freezer contract: ${name}`, () => {
    it("leaves three busy threads no processor time from freeze to thaw, and gives it back", async () => {
      const child = spawn(process.execPath, ["-e", BUSY]);
      const pid = child.pid ?? 0;
      const freezer = makeFreezer();
      freezer.adopt(pid);
      try {
        await vi.waitFor(() => expect(readdirSync(`/proc/${pid}/task`).length).toBeGreaterThan(2), { timeout: 20_000 });
        await freezer.freeze(pid);
        const whenFrozen = processorNs(pid);
        await turns(2_000);
        expect(processorNs(pid)).toBe(whenFrozen);
        await freezer.thaw(pid);
        await vi.waitFor(() => expect(processorNs(pid)).toBeGreaterThan(whenFrozen), { timeout: 20_000 });
      } finally {
        child.kill("SIGKILL");
        await once(child, "close");
      }
    });

    it("freezes and thaws twice without complaint", async () => {
      const child = spawn("sleep", ["600"]);
      const pid = child.pid ?? 0;
      const freezer = makeFreezer();
      freezer.adopt(pid);
      for (const order of ["freeze", "freeze", "thaw", "thaw"] as const) await freezer[order](pid);
      child.kill();
      const [, signal] = await once(child, "close");
      expect(signal).toBe("SIGTERM");
    });

    it("takes a process that is gone for frozen", async () => {
      const child = spawn("true");
      await once(child, "close");
      const freezer = makeFreezer();
      freezer.adopt(child.pid ?? 0);
      await freezer.freeze(child.pid ?? 0);
      await freezer.thaw(child.pid ?? 0);
    });
  });
}

freezerContract("SIGSTOP", () => new SignalFreezer());

const obstacle = cgroupObstacle();
if (obstacle === null) {
  const cgroup = `${cgroupRoot()}/${randomId("asls-test")}`;
  beforeAll(() => mkdirSync(cgroup));
  afterAll(() => rmdirSync(cgroup));
  freezerContract("cgroup", () => new CgroupFreezer(cgroup, silentLogger));
} else {
  describe.skip(`freezer contract: cgroup (${obstacle})`, () => {
    it("is the same as with SIGSTOP", () => {});
  });
}
