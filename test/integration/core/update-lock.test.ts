import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { FileUpdateLock } from "../../../src/core/update-lock.ts";
import { describeWhen, lacksProgram } from "../../support/describe-when.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const run = promisify(execFile);

describeWhen(lacksProgram("flock"), "the update lock", () => {
  test("while it is held, an updater's flock is refused; afterwards it is granted", async () => {
    await using folder = await makeTempDir("lock");
    const path = folder.join("update.lock");
    const lock = new FileUpdateLock(path, new SystemClock(), silentLogger);
    const updater = () => run("flock", ["--exclusive", "--nonblock", "--conflict-exit-code", "75", path, "true"]);
    await lock.hold(async () => {
      await expect(updater()).rejects.toMatchObject({ code: 75 });
    });
    await updater();
  });

  test("work waits until the updater has let go, and a stop ends the wait", async () => {
    await using folder = await makeTempDir("lock");
    const path = folder.join("update.lock");
    const lock = new FileUpdateLock(path, new SystemClock(), silentLogger);
    const updater = spawn("flock", ["--exclusive", path, "sh", "-c", "echo locked; read line"]);
    await once(updater.stdout, "data");
    const stop = new AbortController();
    const aborted = lock.hold(async () => "swapped", stop.signal);
    stop.abort();
    await expect(aborted).rejects.toMatchObject({ code: "E_ABORTED" });
    const waiting = lock.hold(async () => "swapped");
    updater.stdin.end("\n");
    expect(await waiting).toBe("swapped");
  });

  test("two changes in one process come one after the other, and a failed one lets go", async () => {
    await using folder = await makeTempDir("lock");
    const lock = new FileUpdateLock(folder.join("update.lock"), new SystemClock(), silentLogger);
    const order: number[] = [];
    const first = lock.hold(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(1);
      throw new Error("planted");
    });
    const second = lock.hold(async () => order.push(2));
    await expect(first).rejects.toThrow("planted");
    await second;
    expect(order).toEqual([1, 2]);
  });
});
