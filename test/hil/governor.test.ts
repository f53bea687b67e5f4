import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { asls, VirtualDevice } from "../support/virtual-device.ts";
import { missing, notVirtual, openBoard } from "./open-board.ts";

/** Looks often, so that no test waits for long. */
const QUICK = ["governor.intervalMs=500", "governor.dwellMs=1000", "governor.graceMs=0", "model.enabled=false"];

describeWhen(missing("set_temperature"), "a board that gets too hot", () => {
  test("has training stopped with its reason, and allowed again once it is cool", async () => {
    await using board = await openBoard();
    const hot = board.service.position;
    await board.setTempC(90);
    await board.next(hot, "budget", ({ duty, reason }) => duty === 0 && reason === "too_hot");
    const cool = board.service.position;
    await board.setTempC(45);
    await board.next(cool, "budget", ({ duty, reason }) => duty === 1 && reason === "none");
  });
});

describeWhen(missing("set_mains", "set_temperature"), "a board on battery whose thermometer fails", () => {
  test("gives both as reasons, one after the other, and names the probe", async () => {
    await using board = await openBoard();
    let position = board.service.position;
    await board.setMains(false);
    await board.next(position, "budget", ({ reason }) => reason === "on_battery");
    position = board.service.position;
    await board.setTempC(null);
    await board.next(position, "budget", ({ reason }) => reason === "temperature_unknown");
    expect(await board.service.call("governorStatus", {})).toMatchObject({
      budget: { duty: 0, reason: "temperature_unknown" },
      sample: { failed: ["temperature"], readings: { socTempC: null, isOnMains: false } },
    });
    await board.setTempC(45);
    await board.setMains(true);
  });
});

describeWhen(missing("kernel_sensors"), "the under-voltage alarm of the kernel's rpi_volt", () => {
  test("is a reason not to train, on MQTT, until it is over", async () => {
    await using board = await openBoard();
    await using broker = await board.mqtt();
    let seen = broker.probe.seen.length;
    await board.place.run("echo Y >/sys/module/vboard/parameters/under_voltage");
    await broker.topic(
      "power",
      seen,
      ({ under_voltage, reason }) => under_voltage === true && reason === "under_voltage",
    );
    seen = broker.probe.seen.length;
    await board.place.run("echo N >/sys/module/vboard/parameters/under_voltage");
    await broker.topic("power", seen, ({ under_voltage, duty }) => under_voltage === false && Number(duty) > 0);
  });
});

describeWhen(notVirtual, "the governor's commands", () => {
  test("asls board set and asls governor status", async () => {
    await using device = await VirtualDevice.start(QUICK);
    const position = device.service.position;
    expect((await asls(["board", "set", "--mains", "off", ...device.options])).exitCode).toBe(0);
    expect((await asls(["board", "set", "--temp", "fail", ...device.options])).exitCode).toBe(0);
    await device.next(position, "budget", ({ reason }) => reason === "temperature_unknown");
    const { stdout } = await asls(["governor", "status", "--json", ...device.options]);
    expect(JSON.parse(stdout)).toMatchObject({ board: "virtual", budget: { duty: 0, reason: "temperature_unknown" } });
  });

  test("mode and allowance are kept over a restart", async () => {
    await using first = await VirtualDevice.start(QUICK);
    expect((await asls(["governor", "mode", "quiet", ...first.options])).exitCode).toBe(0);
    expect((await asls(["governor", "budget", "none", ...first.options])).exitCode).toBe(0);
    expect(await first.service.stop()).toBe(0);
    await using second = await VirtualDevice.start(QUICK, first.folder);
    expect(await second.service.call("governorStatus", {})).toMatchObject({ mode: "quiet", dailyWh: null });
  });
});
