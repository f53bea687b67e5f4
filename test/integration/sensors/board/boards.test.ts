import { describe, expect, test } from "vitest";
import { boardBackends } from "../../../../src/sensors/board/board-backends.ts";
import { BoardSampler } from "../../../../src/sensors/board/board-sampler.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import {
  type Commands,
  JETSON_ORIN,
  LAPTOP,
  PMIC_OUTPUT,
  RASPBERRY_PI_5,
  SysfsTree,
  type TreeFiles,
} from "../../../support/sysfs-tree.ts";

async function board(files: TreeFiles, commands: Commands = {}) {
  const tree = await SysfsTree.make(files, commands);
  const clock = new FakeClock();
  const sampler = new BoardSampler(boardBackends(clock, tree.access), clock);
  return { tree, clock, sampler, [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose]() };
}

describe("Raspberry Pi 5", () => {
  const commands = { "vcgencmd get_throttled": "throttled=0x50000\n", "vcgencmd pmic_read_adc": PMIC_OUTPUT };

  test("the CPU's zone by its type although zone 0 is a battery's, flags and 2.5 W of rails by vcgencmd", async () => {
    await using pi = await board(RASPBERRY_PI_5, { ...commands });
    const { readings, failed } = await pi.sampler.sample();
    expect(pi.sampler.backendName).toBe("raspberry-pi");
    expect(readings).toMatchObject({
      socTempC: 61.7,
      throttle: { isUnderVoltage: false, isSlowed: false },
      isOnMains: null,
      battery: null,
      memory: { pressurePct: 0, availableMb: 2_048 },
    });
    expect(readings.inputPower?.watts).toBeCloseTo(0.33 + 0.36 + 1.81, 6);
    expect(readings.inputPower?.scope).toBe("partial");
    expect(failed).toEqual([]);
  });

  test.each([
    ["throttled=0x1", true, false],
    ["throttled=0x50005", true, true],
    ["throttled=0x2", false, true],
    ["throttled=0x8", false, true],
    ["throttled=0x0", false, false],
    ["throttled=0xe0000", false, false],
  ])(
    "%s is under-voltage %s and slowed %s; what happened since boot does not count",
    async (text, isUnderVoltage, isSlowed) => {
      await using pi = await board(RASPBERRY_PI_5, { "vcgencmd get_throttled": text });
      expect((await pi.sampler.sample()).readings.throttle).toEqual({ isUnderVoltage, isSlowed });
    },
  );

  test("without vcgencmd the kernel's under-voltage alarm of rpi_volt is read, and power is unknown, not failed", async () => {
    await using pi = await board({ ...RASPBERRY_PI_5, "sys/class/hwmon/hwmon3/in0_lcrit_alarm": 1 });
    const { readings, failed } = await pi.sampler.sample();
    expect(readings.throttle).toEqual({ isUnderVoltage: true, isSlowed: false });
    expect(readings.inputPower).toBeNull();
    expect(failed).toEqual([]);
  });

  test("vcgencmd runs once in 5 s at most, the kernel's under-voltage alarm is read with every look", async () => {
    await using pi = await board(RASPBERRY_PI_5, { ...commands });
    await pi.sampler.sample();
    pi.tree.commands["vcgencmd get_throttled"] = "throttled=0x4";
    await pi.clock.advance(4_999);
    await pi.tree.write({ "sys/class/hwmon/hwmon3/in0_lcrit_alarm": 1 });
    expect((await pi.sampler.sample()).readings.throttle).toEqual({ isUnderVoltage: true, isSlowed: false });
    await pi.clock.advance(1);
    expect((await pi.sampler.sample()).readings.throttle).toEqual({ isUnderVoltage: true, isSlowed: true });
  });

  test("a vcgencmd that stops answering is a failed throttle probe", async () => {
    await using pi = await board(RASPBERRY_PI_5, { ...commands });
    await pi.sampler.sample();
    delete pi.tree.commands["vcgencmd get_throttled"];
    await pi.clock.advance(5_000);
    expect((await pi.sampler.sample()).failed).toEqual(["throttle"]);
  });
});

describe("Jetson Orin", () => {
  test("the hottest zone that can be read, and VDD_IN alone: 5.08 V times 1.25 A", async () => {
    await using jetson = await board(JETSON_ORIN);
    const { readings, failed } = await jetson.sampler.sample();
    expect(jetson.sampler.backendName).toBe("jetson");
    expect(readings.socTempC).toBe(51.25);
    expect(readings.inputPower).toEqual({ watts: 6.35, scope: "board" });
    expect(failed).toEqual([]);
  });

  test("the names of JetPack 5 count, too", async () => {
    await using jetson = await board({
      ...JETSON_ORIN,
      "sys/class/thermal/thermal_zone0/type": "CPU-therm",
      "sys/class/thermal/thermal_zone0/temp": 71_000,
    });
    expect((await jetson.sampler.sample()).readings.socTempC).toBe(71);
  });

  test("without a total the connected rails are added up and said to be a part", async () => {
    await using jetson = await board({ ...JETSON_ORIN, "sys/class/hwmon/hwmon4/in1_label": "VDD_GPU_SOC" });
    const { inputPower } = (await jetson.sampler.sample()).readings;
    expect(inputPower?.watts).toBeCloseTo(6.35 + 1.524, 6);
    expect(inputPower?.scope).toBe("partial");
  });

  test("over-current counters tell what happens now: only what rose since the last look", async () => {
    await using jetson = await board(JETSON_ORIN);
    const throttle = async () => (await jetson.sampler.sample()).readings.throttle;
    expect(await throttle()).toEqual({ isUnderVoltage: false, isSlowed: false });
    await jetson.tree.write({ "sys/class/hwmon/hwmon5/oc3_event_cnt": 2 });
    expect(await throttle()).toEqual({ isUnderVoltage: false, isSlowed: true });
    await jetson.tree.write({ "sys/class/hwmon/hwmon5/oc1_event_cnt": 5 });
    expect(await throttle()).toEqual({ isUnderVoltage: true, isSlowed: true });
    expect(await throttle()).toEqual({ isUnderVoltage: false, isSlowed: false });
  });

  test("a junction zone that gives nothing is a failed temperature, whatever the others say", async () => {
    await using jetson = await board({ ...JETSON_ORIN, "sys/class/thermal/thermal_zone2/temp": "" });
    const { readings, failed } = await jetson.sampler.sample();
    expect(readings.socTempC).toBeNull();
    expect(failed).toEqual(["temperature"]);
  });
});

describe("any other machine", () => {
  test("a laptop: hottest core, charger, its own battery and not the mouse's", async () => {
    await using laptop = await board(LAPTOP);
    const { readings } = await laptop.sampler.sample();
    expect(laptop.sampler.backendName).toBe("generic");
    expect(readings).toMatchObject({ socTempC: 57, isOnMains: true, battery: { percent: 81, isDischarging: false } });
  });

  test("package power from the energy counter, over its wrap: 11 J in 2 s are 5.5 W", async () => {
    await using laptop = await board({ ...LAPTOP, "sys/class/powercap/intel-rapl:0/energy_uj": 95_000_000 });
    const power = async () => (await laptop.sampler.sample()).readings.inputPower;
    expect(await power()).toBeNull();
    await laptop.clock.advance(2_000);
    await laptop.tree.write({ "sys/class/powercap/intel-rapl:0/energy_uj": 6_000_000 });
    const measured = await power();
    expect(measured?.watts).toBeCloseTo(5.5, 6);
    expect(measured?.scope).toBe("partial");
  });

  test("the charger pulled: on battery", async () => {
    await using laptop = await board(LAPTOP);
    await laptop.tree.write({
      "sys/class/power_supply/AC/online": 0,
      "sys/class/power_supply/BAT0/status": "Discharging",
    });
    const { readings } = await laptop.sampler.sample();
    expect(readings).toMatchObject({ isOnMains: false, battery: { isDischarging: true } });
  });

  test("a battery without a charger's driver tells by whether it discharges", async () => {
    await using laptop = await board({ ...LAPTOP, "sys/class/power_supply/AC/type": "Unknown" });
    expect((await laptop.sampler.sample()).readings.isOnMains).toBe(true);
    await laptop.tree.write({ "sys/class/power_supply/BAT0/status": "Discharging" });
    expect((await laptop.sampler.sample()).readings.isOnMains).toBe(false);
  });

  test("half of the time busy since the last look, waiting for the disk counted as idle", async () => {
    await using laptop = await board(LAPTOP);
    expect((await laptop.sampler.sample()).readings.cpuLoad).toBeNull();
    await laptop.tree.write({ "proc/stat": "cpu  130 0 70 830 70 0 0 0 0 0" });
    expect((await laptop.sampler.sample()).readings.cpuLoad).toBeCloseTo(0.5, 6);
  });

  test("memory pressure of 12.5 %, and null on a kernel without it", async () => {
    await using pressed = await board({
      ...LAPTOP,
      "proc/pressure/memory": "some avg10=12.50 avg60=1.00 avg300=0.10 total=9",
    });
    expect((await pressed.sampler.sample()).readings.memory?.pressurePct).toBe(12.5);
    const { "proc/pressure/memory": _, ...without } = LAPTOP;
    await using plain = await board(without);
    expect((await plain.sampler.sample()).readings.memory).toEqual({ pressurePct: null, availableMb: 2_048 });
  });

  test("a machine that tells nothing: everything null, nothing failed, no throw", async () => {
    await using nothing = await board({ "etc/motd": "" });
    const { readings, failed } = await nothing.sampler.sample();
    expect(Object.values(readings).every((value) => value === null)).toBe(true);
    // Memory and processor load are in /proc on every Linux: without them something is wrong.
    expect(failed).toEqual(["memory", "load"]);
  });

  test.each(["abc", "", "-60000", "200000", "61.7"])("a thermometer that says `%s` has failed", async (text) => {
    await using laptop = await board({ ...LAPTOP, "sys/class/hwmon/hwmon0/temp1_input": text });
    const { readings, failed } = await laptop.sampler.sample();
    expect(readings.socTempC).toBeNull();
    expect(failed).toEqual(["temperature"]);
  });
});

test("a zone that goes away stays failed until it is back under another number", async () => {
  await using pi = await board(RASPBERRY_PI_5);
  await pi.sampler.sample();
  await pi.tree.remove("sys/class/thermal/thermal_zone1");
  expect((await pi.sampler.sample()).failed).toEqual(["temperature"]);
  await pi.clock.advance(60_000);
  expect((await pi.sampler.sample()).failed).toEqual(["temperature"]);
  await pi.tree.write({
    "sys/class/thermal/thermal_zone7/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone7/temp": 50_000,
  });
  await pi.clock.advance(60_000);
  expect(await pi.sampler.sample()).toMatchObject({ readings: { socTempC: 50 }, failed: [] });
  expect(pi.sampler.failures.get("temperature")).toBe(2);
});

test("this very machine can be sampled", async () => {
  const clock = new FakeClock();
  const { readings } = await new BoardSampler(boardBackends(clock), clock).sample();
  expect(readings.memory?.availableMb).toBeGreaterThan(0);
});
