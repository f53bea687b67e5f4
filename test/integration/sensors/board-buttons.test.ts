import { execFileSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { type LogFields, type Logger, silentLogger } from "../../../src/core/logger.ts";
import { type ButtonsConfig, createButtons } from "../../../src/sensors/buttons.ts";
import { DEFAULT_KEYS, EvdevButtonInput } from "../../../src/sensors/evdev-button.ts";
import { type GpioSurvey, surveyGpio } from "../../../src/sensors/gpio-survey.ts";
import { GpiodButtonInput } from "../../../src/sensors/gpiod-button.ts";
import { GpiodLed } from "../../../src/sensors/gpiod-led.ts";
import { createLed } from "../../../src/sensors/led.ts";
import { describeWhen, lacksProgram } from "../../support/describe-when.ts";
import { makeEvdevPipes } from "../../support/evdev-pipes.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const clock = new SystemClock();
const config: ButtonsConfig = {
  backend: "auto",
  chipLabel: "",
  talkLine: null,
  upLine: null,
  downLine: null,
  activeLow: true,
  evdevName: "button@",
};
const noGpio: GpioSurvey = {
  sysfs: { isWritable: false, chips: [] },
  gpiod: { majorVersion: null, chips: [] },
  inputs: [],
};

test("buttons given as key overlays are found by name and read, one device each", async () => {
  await using pipes = await makeEvdevPipes(["vc4-hdmi", "button@11", "button@1b"]);
  const input = createButtons(config, { clock, log: silentLogger, survey: () => surveyGpio(pipes.root) });
  const abort = new AbortController();
  const seen: string[] = [];
  await input.watch(({ button, pressed }) => seen.push(`${button} ${pressed}`), abort.signal);
  await pipes.key(1, DEFAULT_KEYS.talk, 1);
  await eventually(() => seen.length === 1);
  await pipes.key(2, DEFAULT_KEYS.up, 1);
  await eventually(() => seen.length === 2);
  expect(seen).toEqual(["talk true", "up true"]);
  expect(input.name).toContain("evdev");
  abort.abort();
});

test("auto goes on to the next way when the first one fails at the line itself", async () => {
  await using pipes = await makeEvdevPipes(["button@11"]);
  // sysfs promises a chip that the kernel then does not export: what an epoll built for another Node looks like, too
  const survey = async () => ({
    ...(await surveyGpio(pipes.root)),
    sysfs: { isWritable: true, chips: [{ label: "pinctrl-rp1", base: 100_000, lineCount: 54 }] },
    gpiod: noGpio.gpiod,
  });
  const abort = new AbortController();
  const seen: string[] = [];
  const input = createButtons({ ...config, talkLine: 17 }, { clock, log: silentLogger, survey });
  await input.watch(({ button }) => seen.push(button), abort.signal);
  await pipes.key(0, DEFAULT_KEYS.talk, 1);
  await eventually(() => seen.length === 1);
  expect(input.name).toContain("evdev");
  abort.abort();
  const onoffOnly = createButtons({ ...config, backend: "onoff", talkLine: 17 }, { clock, log: silentLogger, survey });
  await expect(onoffOnly.watch(() => {}, new AbortController().signal)).rejects.toMatchObject({
    code: "E_GPIO_UNAVAILABLE",
  });
});

test("a board without any way to its buttons says why, way by way", async () => {
  const input = createButtons({ ...config, talkLine: 17 }, { clock, log: silentLogger, survey: async () => noGpio });
  await expect(input.watch(() => {}, new AbortController().signal)).rejects.toMatchObject({
    code: "E_GPIO_UNAVAILABLE",
    message: expect.stringMatching(/onoff: .*gpiod: .*evdev: /),
  });
});

test("a light without a line is no light, and one without a chip is E_GPIO_UNAVAILABLE", async () => {
  const deps = { clock, log: silentLogger, survey: async () => noGpio };
  const board = { backend: "evdev", chipLabel: "" } as const;
  expect(createLed({ line: null, activeLow: false }, board, deps)).toBeNull();
  await expect(createLed({ line: 22, activeLow: false }, board, deps)?.start()).rejects.toMatchObject({
    code: "E_GPIO_UNAVAILABLE",
  });
});

test("an overflow of the kernel's event buffer releases the button that was down", async () => {
  await using pipes = await makeEvdevPipes(["gpio-keys"]);
  const input = new EvdevButtonInput({
    devices: [pipes.device(0)],
    keys: DEFAULT_KEYS,
    clock,
    log: silentLogger,
    recordBytes: 24,
  });
  const abort = new AbortController();
  const seen: boolean[] = [];
  await input.watch(({ pressed }) => seen.push(pressed), abort.signal);
  await pipes.key(0, DEFAULT_KEYS.talk, 1);
  await pipes.write(0, [[0, 3, 0]]);
  await eventually(() => seen.length === 2);
  expect(seen).toEqual([true, false]);
  abort.abort();
});

test("an input device that vanishes is opened again after 1 s, and what was down counts as released", async () => {
  await using pipes = await makeEvdevPipes(["gpio-keys"]);
  const fake = new FakeClock();
  const warnings: LogFields[] = [];
  const log: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) };
  const input = new EvdevButtonInput({
    devices: [pipes.device(0)],
    keys: DEFAULT_KEYS,
    clock: fake,
    log,
    recordBytes: 24,
  });
  const abort = new AbortController();
  const seen: boolean[] = [];
  const watching = input.watch(({ pressed }) => seen.push(pressed), abort.signal);
  await fake.advance(150);
  await watching;
  await pipes.key(0, DEFAULT_KEYS.talk, 1);
  await eventually(() => seen.length === 1);
  // the device's end: the last writer is gone
  await pipes.closeWriter(0);
  await eventually(() => warnings.length === 1);
  expect(warnings[0]).toMatchObject({ command: "cat", next_ms: 1000 });
  await pipes.openWriter(0);
  await fake.advance(1150);
  await eventually(() => seen.length === 2);
  await pipes.key(0, DEFAULT_KEYS.talk, 1);
  await eventually(() => seen.length === 3);
  expect(seen).toEqual([true, false, true]);
  abort.abort();
});

test("an input device that is not there is E_GPIO_UNAVAILABLE", async () => {
  await using pipes = await makeEvdevPipes(["gpio-keys"]);
  await rm(pipes.device(0));
  const input = new EvdevButtonInput({ devices: [pipes.device(0)], keys: DEFAULT_KEYS, clock, log: silentLogger });
  await expect(input.watch(() => {}, new AbortController().signal)).rejects.toMatchObject({
    code: "E_GPIO_UNAVAILABLE",
  });
});

const majorVersion = (await surveyGpio()).gpiod.majorVersion;

describeWhen(lacksProgram("gpiomon", "gpioset"), `libgpiod's tools, version ${majorVersion}`, () => {
  const lines = { majorVersion: majorVersion ?? 1, chip: "gpiochip99", activeLow: true } as const;

  test("gpiomon accepts our options and is E_GPIO_UNAVAILABLE for want of the chip only", async () => {
    const input = new GpiodButtonInput({ ...lines, lines: { talk: 17 }, clock, log: silentLogger });
    await expect(input.watch(() => {}, new AbortController().signal)).rejects.toMatchObject({
      code: "E_GPIO_UNAVAILABLE",
      message: expect.stringMatching(/no such file|cannot find|not found/i),
    });
  });

  test("gpioset accepts our options and is E_GPIO_UNAVAILABLE for want of the chip only", async () => {
    await using led = new GpiodLed({ ...lines, line: 22, clock });
    await expect(led.set(true)).rejects.toMatchObject({
      code: "E_GPIO_UNAVAILABLE",
      message: expect.stringMatching(/no such file|cannot find|not found/i),
    });
  });
});

test("a missing gpiomon or gpioset is E_GPIO_UNAVAILABLE with the package to install", async () => {
  const lines = { majorVersion: 1, chip: "gpiochip0", activeLow: true } as const;
  const input = new GpiodButtonInput({
    ...lines,
    lines: { talk: 17 },
    clock,
    log: silentLogger,
    command: "no-gpiomon",
  });
  const missing = { code: "E_GPIO_UNAVAILABLE", hint: "apt install gpiod" };
  await expect(input.watch(() => {}, new AbortController().signal)).rejects.toMatchObject(missing);
  const led = new GpiodLed({ ...lines, line: 22, clock, command: "no-gpioset" });
  await expect(led.set(true)).rejects.toMatchObject(missing);
});

test("a gpiomon that writes without end loses no later press, and ends nothing", async () => {
  await using folder = await makeTempDir("gpiomon");
  const command = folder.join("gpiomon");
  execFileSync("mkfifo", [folder.join("more")]);
  const script = `#!/bin/sh\nprintf %s ${"x".repeat(300)}\nexec cat ${folder.join("more")}\n`;
  await writeFile(command, script, { mode: 0o755 });
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
  const lines = { majorVersion: 2, chip: "gpiochip0", activeLow: true } as const;
  const buttons = new GpiodButtonInput({ ...lines, lines: { talk: 17 }, clock, log, command });
  const abort = new AbortController();
  const seen: string[] = [];
  await buttons.watch(({ button, pressed }) => seen.push(`${button} ${pressed}`), abort.signal);
  await eventually(() => warnings.length === 1);
  await writeFile(folder.join("more"), "\n17 1\n");
  await eventually(() => seen.length === 1);
  expect(seen).toEqual(["talk true"]);
  abort.abort();
});
