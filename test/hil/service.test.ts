import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile, truncate, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import { describeWhen } from "../support/describe-when.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive } from "../support/killable-service.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls, deviceOptions, VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

describeWhen(notVirtual, "the program", () => {
  test("answers by text, reports its status and ends with exit code 0 on SIGTERM", async () => {
    await using device = await VirtualDevice.start();
    const said = await asls(["say", "is the garage door open?", "--json", ...device.options]);
    const turn = JSON.parse(said.stdout) as { outcome: string; answer: string };
    expect(turn.outcome).toBe("answered");
    expect(turn.answer).not.toBe("");
    const status = JSON.parse((await asls(["status", "--json", ...device.options])).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({ phase: "idle", muted: false, alerts: [] });
    expect(await device.service.stop()).toBe(0);
  });

  test("every problem of a bad configuration is listed, with exit code 78", async () => {
    await using folder = await makeTempDir("bad-config");
    const options = deviceOptions(folder, ["vad.threshold=7", "nonsense.key=1"]);
    const { exitCode, stderr } = await asls(["run", ...options]);
    expect(exitCode).toBe(78);
    expect(stderr).toContain("vad.threshold");
    expect(stderr).toContain("nonsense.key");
  });

  test("has its memory from jemalloc, and ends when whoever started it is killed: no service is left over", async () => {
    await using folder = await makeTempDir("device");
    const starter = spawn(
      process.execPath,
      ["--import", "tsx", "test/fixtures/service/starts-and-waits.ts", folder.path],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const [line] = (await once(createInterface({ input: starter.stdout }), "line")) as [string];
    expect(isAlive(Number(line))).toBe(true);
    expect(await readFile(`/proc/${line}/maps`, "utf8")).toContain("/libjemalloc.so.2\n");
    starter.kill("SIGKILL");
    await eventually(() => !isAlive(Number(line)));
  });

  test("a second service on the same board is refused with E_ALREADY_RUNNING", async () => {
    await using device = await VirtualDevice.start(["model.enabled=false"]);
    const { exitCode, stderr } = await asls(["run", ...device.options]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("E_ALREADY_RUNNING");
  });

  test("a truncated model is an alert; the service stays up, says so, and answers once the file is whole", async () => {
    await using folder = await makeTempDir("device");
    const model = folder.join("cut.gguf");
    await copyFile("models/seed-q8_0.gguf", model);
    await truncate(model, 1_000_000);
    await using device = await VirtualDevice.start([`model.path=${model}`], folder);
    const { exitCode, stderr } = await asls(["say", "hello", ...device.options]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("E_MODEL_NOT_READY");
    const status = (await asls(["status", ...device.options])).stdout;
    expect(status).toContain("E_MODEL_TRUNCATED");
    const from = device.service.position;
    await copyFile("models/seed-q8_0.gguf", model);
    await device.service.call("skipTime", { ms: 120_000 }); // it looks again by itself
    await device.next(from, "alert", ({ code, alert }) => code === "E_MODEL_NOT_READY" && alert === null);
    expect(await device.say("is the garage door open?")).toBe("answered");
    expect(await device.service.stop()).toBe(0);
  });

  test("a database of a newer asls is refused and left untouched", async () => {
    await using folder = await makeTempDir("device");
    const device = await VirtualDevice.start(["model.enabled=false"], folder);
    await device.service.stop();
    const database = folder.join("state", "profiles", "profiles.db");
    const bytes = await readFile(database);
    bytes.writeUInt32BE(999, 60); // user_version: https://www.sqlite.org/fileformat.html#the_database_header
    await writeFile(database, bytes);
    const { exitCode, stderr } = await asls(["run", ...device.options]);
    expect(exitCode).toBe(78); // a restart cannot mend it
    expect(stderr).toContain("E_DB_FROM_FUTURE");
    expect(await readFile(database)).toEqual(bytes);
  });

  test("1 MB of text is refused with a code and the next turn works", async () => {
    await using device = await VirtualDevice.start();
    await expect(device.service.call("say", { text: "word ".repeat(200_000), aloud: false })).rejects.toMatchObject({
      code: "E_INPUT_TOO_LONG",
    });
    const report = (await device.service.call("say", { text: "hello", aloud: false })) as { outcome: string };
    expect(report.outcome).toBe("answered");
  });

  test("no user text is in the service's log, whatever happens", async () => {
    await using device = await VirtualDevice.start(["log.level=debug"]);
    await device.service.call("say", { text: "my marked secret is xyzzy", aloud: false });
    await device.service.call("say", { text: "call me Plughname", aloud: false });
    await device.service.stop();
    const log = await readFile(device.folder.join("log"), "utf8");
    expect(log).toContain("ready");
    expect(log).not.toMatch(/xyzzy|plughname/i);
  });

  test("a board without microphone and buttons starts with named alerts and still answers a recording", async () => {
    await using device = await VirtualDevice.start([
      "board.profile=generic",
      "output.kind=wav",
      "microphone.device=hw:9,9",
    ]);
    const status = (await device.service.call("status", {})) as { alerts: { code: string }[] };
    expect(status.alerts.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["E_GPIO_UNAVAILABLE", "E_MIC_UNAVAILABLE"]),
    );
    const path = await recordSentence(device.folder.path, "request", "turn on the kitchen lights");
    const turn = (await device.service.call("listen", { path })) as Record<string, unknown>;
    expect(turn).toMatchObject({ outcome: "answered", input: "turn on the kitchen lights" });
  });
});
