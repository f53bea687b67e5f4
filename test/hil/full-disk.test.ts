import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

const lacks = notVirtual ?? (process.getuid?.() === 0 ? null : "mounting a small tmpfs needs root");

describeWhen(lacks, "a full disk", () => {
  test("a turn on a full disk fails with E_DISK_FULL, what was stored stays, and it works again with space", async () => {
    await using folder = await makeTempDir("device");
    const state = folder.join("state");
    mkdirSync(state);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", state]);
    try {
      const device = await VirtualDevice.start(["tts.engine=none"], folder);
      const say = (text: string) => device.service.call("say", { text, aloud: false }) as Promise<{ outcome: string }>;
      const from = device.service.position;
      const granting = device.service.call("consent", { purpose: "store", granted: true });
      await device.service.call("press", { button: "talk", holdMs: 1_700 });
      await granting;
      await device.next(from, "consent");
      expect((await say("is the garage door open?")).outcome).toBe("answered");
      const filler = `${state}/filler`;
      try {
        writeFileSync(filler, Buffer.alloc(8 * 2 ** 20));
      } catch {
        // ENOSPC: the disk is full now, as wanted.
      }
      await expect(say("is the front door open?")).rejects.toMatchObject({ code: "E_DISK_FULL" });
      rmSync(filler);
      expect((await say("is the back door open?")).outcome).toBe("answered");
      const { interactions } = (await device.service.call("profileExport", { profile: null })) as {
        interactions: { input: string }[];
      };
      expect(interactions.map(({ input }) => input)).toEqual(["is the garage door open?", "is the back door open?"]);
      expect(await device.service.stop()).toBe(0);
    } finally {
      execFileSync("umount", ["-l", state]);
    }
  });
});
