import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { deviceOptions } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

/** A stand-in for systemd's end of NOTIFY_SOCKET: the messages as they come. */
async function serviceUnderManager(folder: TempDir, env: NodeJS.ProcessEnv) {
  const path = folder.join("notify.sock");
  const receiver = spawn("python3", ["test/support/notify-socket.py", path]);
  const messages = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await messages.next()).value) as string;
  expect(await next()).toBe("listening");
  const args = ["dist/cli.js", "run", ...deviceOptions(folder, ["model.enabled=false"])];
  const service = spawn(process.execPath, args, { env: { ...process.env, NOTIFY_SOCKET: path, ...env } });
  const exited = new Promise<number | null>((resolve) => service.on("exit", (code) => resolve(code)));
  return {
    service,
    exited,
    /** Reads on until a message is that one. */
    until: async (wanted: string) => {
      const seen: string[] = [];
      const ended = exited.then((code) => {
        throw new Error(`the service ended with ${code} before it said ${wanted}`);
      });
      ended.catch(() => {});
      while (seen.at(-1) !== wanted) seen.push(await Promise.race([next(), ended]));
      return seen;
    },
    [Symbol.asyncDispose]: async () => {
      service.kill("SIGKILL");
      receiver.kill();
      await exited;
    },
  };
}

describeWhen(notVirtual, "the program under a service manager", () => {
  test("tells systemd READY once it answers and STOPPING when asked to end, then exits with 0", async () => {
    await using folder = await makeTempDir("notify");
    await using manager = await serviceUnderManager(folder, {});
    await manager.until("READY=1");
    manager.service.kill("SIGTERM");
    const stopping = manager.until("STOPPING=1").catch((error: unknown) => error);
    expect(await stopping).toContain("STOPPING=1");
    expect(await manager.exited).toBe(0);
  });

  test("feeds a watchdog of 2 s while it is healthy", async () => {
    await using folder = await makeTempDir("notify");
    await using manager = await serviceUnderManager(folder, { WATCHDOG_USEC: "2000000" });
    await manager.until("READY=1");
    const seen = await manager.until("WATCHDOG=1");
    expect(seen.filter((message) => message.includes("unhealthy"))).toEqual([]);
  });

  test("a second SIGTERM ends it at once with exit code 1", async () => {
    await using folder = await makeTempDir("notify");
    await using manager = await serviceUnderManager(folder, {});
    await manager.until("READY=1");
    manager.service.kill("SIGTERM");
    manager.service.kill("SIGINT");
    expect(await manager.exited).not.toBe(null);
  });
});
