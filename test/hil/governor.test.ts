import { expect, test } from "vitest";
import { asls, VirtualDevice } from "../support/virtual-device.ts";

/** Looks often, so that no test waits for long. */
const QUICK = ["governor.intervalMs=500", "governor.dwellMs=1000", "governor.graceMs=0", "model.enabled=false"];

test("too hot: training is stopped with its reason, and may go on once it is cool", async () => {
  await using device = await VirtualDevice.start(QUICK);
  const hot = device.service.position;
  await device.service.call("setTempC", { celsius: 90 });
  await device.next(hot, "budget", ({ duty, reason }) => duty === 0 && reason === "too_hot");
  const cool = device.service.position;
  await device.service.call("setTempC", { celsius: 45 });
  await device.next(cool, "budget", ({ duty, reason }) => duty === 1 && reason === "none");
});

test("mains pulled and a thermometer that fails are reasons, and asls governor status shows them", async () => {
  await using device = await VirtualDevice.start(QUICK);
  let position = device.service.position;
  expect((await asls(["board", "set", "--mains", "off", ...device.options])).exitCode).toBe(0);
  await device.next(position, "budget", ({ reason }) => reason === "on_battery");
  position = device.service.position;
  expect((await asls(["board", "set", "--temp", "fail", ...device.options])).exitCode).toBe(0);
  await device.next(position, "budget", ({ reason }) => reason === "temperature_unknown");
  const { stdout } = await asls(["governor", "status", "--json", ...device.options]);
  expect(JSON.parse(stdout)).toMatchObject({
    board: "virtual",
    budget: { duty: 0, reason: "temperature_unknown" },
    sample: { failed: ["temperature"], readings: { socTempC: null, isOnMains: false } },
  });
});

test("mode and allowance are kept over a restart", async () => {
  await using first = await VirtualDevice.start(QUICK);
  expect((await asls(["governor", "mode", "quiet", ...first.options])).exitCode).toBe(0);
  expect((await asls(["governor", "budget", "none", ...first.options])).exitCode).toBe(0);
  expect(await first.service.stop()).toBe(0);
  await using second = await VirtualDevice.start(QUICK, first.folder);
  expect(await second.service.call("governorStatus", {})).toMatchObject({ mode: "quiet", dailyWh: null });
});
