import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import { isAppError } from "../../src/core/errors.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls, deviceOptions, VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

const noRoot = process.getuid?.() === 0 ? null : "mounting a file system needs root";

describeWhen(notVirtual ?? lacksProgram("prlimit"), "no file descriptor left", () => {
  test("the service stays up and answers again as soon as there are some", async () => {
    await using device = await VirtualDevice.start(["tts.engine=none"]);
    const { pid } = device.service;
    const limit = (descriptors: string) => execFileSync("prlimit", ["--pid", `${pid}`, `--nofile=${descriptors}:`]);
    const say = () => device.service.call("say", { text: "is the garage door open?", aloud: false });
    expect(await say()).toMatchObject({ outcome: "answered" });
    limit("3"); // what is open stays open; nothing more can be
    const meanwhile = say().catch((error: unknown) => error);
    await asls(["--version"]); // another program runs from start to end
    limit("1024");
    const answer = await meanwhile; // it waited, or was turned away
    if (isAppError(answer)) expect(answer.code).toBe("E_SERVICE_NOT_RUNNING");
    else expect(answer).toMatchObject({ outcome: "answered" });
    expect(await say()).toMatchObject({ outcome: "answered" });
    expect(await device.service.stop()).toBe(0);
  });
});

describeWhen(notVirtual ?? noRoot, "a read-only file system", () => {
  test("the start is refused with the reason, and works as soon as it can be written to", async () => {
    await using folder = await makeTempDir("device");
    const state = folder.join("state");
    mkdirSync(state);
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", state]);
    try {
      const { exitCode, stderr } = await asls(["run", ...deviceOptions(folder)]);
      expect(exitCode).toBe(73);
      expect(stderr).toContain("E_FILE_UNWRITABLE");
      execFileSync("mount", ["-o", "remount,rw", state]);
      const device = await VirtualDevice.start(["tts.engine=none"], folder);
      expect(await device.service.call("say", { text: "is the garage door open?", aloud: false })).toMatchObject({
        outcome: "answered",
      });
      expect(await device.service.stop()).toBe(0);
    } finally {
      execFileSync("umount", ["-l", state]);
    }
  });
});
