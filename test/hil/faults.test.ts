import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAppError } from "../../src/core/errors.ts";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../support/broker.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls, VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";
import { HIL_SETTINGS } from "./settings.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUIET = ["tts.engine=none", "mqtt.enabled=false"];

describeWhen(notVirtual ?? lacksProgram("prlimit"), "no file descriptor left", () => {
  test("the service stays up, names it, and answers again as soon as there are some", async () => {
    await using device = await VirtualDevice.start(QUIET);
    const { pid } = device.service;
    const limit = (descriptors: string) => execFileSync("prlimit", ["--pid", `${pid}`, `--nofile=${descriptors}:`]);
    const say = () => device.service.call("say", { text: "is the garage door open?", aloud: false });
    expect(await say()).toMatchObject({ outcome: "answered" });
    let from = device.service.position;
    // Its connection is there already when there are no more.
    const passing = device.service.call("skipTime", { ms: DAY_MS }).catch(() => {}); // ends with the service
    limit("3"); // what is open stays open; nothing more can be
    await device.next(from, "alert", ({ code, alert }) => code === "E_TOO_MANY_FILES" && alert !== null);
    const meanwhile = say().catch((error: unknown) => error);
    await asls(["--version"]); // another program runs from start to end
    from = device.service.position;
    limit("1024");
    await device.next(from, "alert", ({ code, alert }) => code === "E_TOO_MANY_FILES" && alert === null);
    const answer = await meanwhile; // it waited, or was turned away
    if (isAppError(answer)) expect(["E_SERVICE_NOT_RUNNING", "E_TIMEOUT"]).toContain(answer.code);
    else expect(answer).toMatchObject({ outcome: "answered" });
    expect(await say()).toMatchObject({ outcome: "answered" });
    expect(await device.service.stop()).toBe(0);
    await passing;
  });
});

describeWhen(notVirtual, "a clock that is set", () => {
  test.each([
    ["forward", 700 * DAY_MS],
    ["back", -700 * DAY_MS],
  ])("%s by 700 days: an alert until it has run evenly for an hour, and turns go on and are kept", async (_, ms) => {
    await using device = await VirtualDevice.start(QUIET);
    await device.allow("store");
    expect(await device.say("is the garage door open?")).toBe("answered");
    await device.service.call("jumpClock", { ms });
    await device.service.call("skipTime", { ms: 120_000 });
    expect(await device.alerts()).toEqual(["E_CLOCK_SET"]);
    expect(await device.say("is the front door open?")).toBe("answered");
    await device.service.call("skipTime", { ms: 1.1 * HOUR_MS });
    expect(await device.alerts()).toEqual([]);
    expect(await device.say("is the back door open?")).toBe("answered");
    expect(await device.kept()).toHaveLength(3);
    expect(await device.service.stop()).toBe(0);
  });
});

describeWhen(notVirtual ?? (mosquittoPath() === null ? "mosquitto not installed" : null), "a broker that flaps", () => {
  test("five times gone and back: an alert each time, solved each time, by the same process", async () => {
    await using broker = new MosquittoTestBroker(await freePort());
    await broker.start();
    await using device = await VirtualDevice.start(["tts.engine=none", `mqtt.url=${broker.url}`]);
    for (let flap = 0; flap < 5; flap += 1) {
      const from = device.service.position;
      await broker.stop();
      await device.next(from, "alert", ({ code, alert }) => code === "E_MQTT_UNREACHABLE" && alert !== null);
      await device.service.call("skipTime", { ms: 60_000 });
      expect(await device.say("is the garage door open?")).toBe("answered");
      const back = device.service.position;
      await broker.start();
      await device.service.call("skipTime", { ms: 60_000 });
      await device.next(back, "alert", ({ code, alert }) => code === "E_MQTT_UNREACHABLE" && alert === null);
    }
    expect(await device.alerts()).toEqual([]);
    expect(await device.service.stop()).toBe(0);
  });
});

describeWhen(notVirtual, "an adapter damaged on disk", () => {
  test("is an alert and the base answers; with the file back it is in use again", async () => {
    await using folder = await makeTempDir("device");
    const settings = [...HIL_SETTINGS, ...QUIET, "training.microUpdates=true", "governor.mode=performance"];
    const first = await VirtualDevice.start(settings, folder);
    await first.allow("store", "train");
    expect(await first.say("be a dear and water the roses")).toBe("answered");
    const from = first.service.position;
    await first.service.call("feedback", { kind: "correction", correction: "Aye, the roses are watered." });
    const { data } = await first.service.next(
      from,
      "an adapter from that correction",
      120_000,
      ({ event, data: { version } }) => event === "adapter" && version !== null,
    );
    expect(await first.service.stop()).toBe(0);
    const [profile] = readdirSync(folder.join("state", "adapters")).filter((name) => name.startsWith("p_"));
    const file = join(folder.join("state", "adapters"), String(profile), `${String(data.version)}.gguf.sealed`);
    copyFileSync(file, folder.join("copy"));
    truncateSync(file, 1_000);
    const second = await VirtualDevice.start([...settings, "training.enabled=true"], folder);
    expect(await second.alerts()).toEqual(["E_ADAPTER_INVALID"]);
    expect(await second.say("be a dear and water the roses")).toBe("answered");
    expect(await second.service.stop()).toBe(0);
    copyFileSync(folder.join("copy"), file);
    const third = await VirtualDevice.start(settings, folder);
    expect(await third.alerts()).toEqual([]);
    expect(await third.service.call("status", {})).toMatchObject({ adapter: data.version });
    expect(await third.service.stop()).toBe(0);
  });
});
