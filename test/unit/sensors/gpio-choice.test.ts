import { expect, test } from "vitest";
import { chooseGpio, type GpioWish } from "../../../src/sensors/gpio-choice.ts";
import type { GpioSurvey } from "../../../src/sensors/gpio-survey.ts";

const wish: GpioWish = { backend: "auto", chipLabel: "", highestLine: 27, evdevName: "gpio-keys" };
const nothing: GpioSurvey = {
  sysfs: { isWritable: false, chips: [] },
  gpiod: { majorVersion: null, chips: [] },
  inputs: [],
};
const pi5: GpioSurvey = {
  ...nothing,
  sysfs: {
    isWritable: true,
    chips: [
      { label: "gpio-brcmstb@107d508500", base: 512, lineCount: 32 },
      { label: "pinctrl-rp1", base: 571, lineCount: 54 },
    ],
  },
};
const orin: GpioSurvey = {
  ...nothing,
  gpiod: {
    majorVersion: 1,
    chips: [
      { name: "gpiochip0", label: "tegra234-gpio", lineCount: 164 },
      { name: "gpiochip1", label: "tegra234-gpio-aon", lineCount: 32 },
    ],
  },
};
const overlay: GpioSurvey = {
  ...nothing,
  inputs: [
    { path: "/dev/input/event0", name: "vc4-hdmi-0" },
    { path: "/dev/input/event1", name: "gpio-keys" },
  ],
};

test("a Pi 5 is reached by onoff at the header's chip, lines from 571", () => {
  expect(chooseGpio(wish, pi5).route).toEqual({
    backend: "onoff",
    chip: { label: "pinctrl-rp1", base: 571, lineCount: 54 },
  });
});

test("an Orin, whose kernel has no sysfs GPIO, is reached by libgpiod", () => {
  const { route, reasons } = chooseGpio(wish, orin);
  expect(route).toMatchObject({ backend: "gpiod", majorVersion: 1, chip: { name: "gpiochip0" } });
  expect(reasons).toEqual([
    "onoff: this kernel has no /sys/class/gpio",
    "gpiod: chip tegra234-gpio as gpiochip0, libgpiod 1",
    "evdev: no input device is named gpio-keys",
  ]);
});

test("with key overlays and no lines configured the keys are taken", () => {
  const { route } = chooseGpio({ ...wish, highestLine: null }, { ...overlay, sysfs: pi5.sysfs });
  expect(route).toEqual({ backend: "evdev", devices: [{ path: "/dev/input/event1", name: "gpio-keys" }] });
});

test("sysfs that this user may not write is passed over, with the reason", () => {
  const { route, reasons } = chooseGpio(wish, { ...orin, sysfs: { ...pi5.sysfs, isWritable: false } });
  expect(route?.backend).toBe("gpiod");
  expect(reasons[0]).toBe("onoff: /sys/class/gpio/export is not writable for this user");
});

test("every way that looks possible is a route, sysfs before the character device before keys", () => {
  const { routes } = chooseGpio(wish, { sysfs: pi5.sysfs, gpiod: orin.gpiod, inputs: overlay.inputs });
  expect(routes.map(({ backend }) => backend)).toEqual(["onoff", "gpiod", "evdev"]);
});

test("a wanted backend is the only one looked at", () => {
  const { route, reasons } = chooseGpio({ ...wish, backend: "evdev" }, pi5);
  expect(route).toBeNull();
  expect(reasons).toEqual(["evdev: no input device is named gpio-keys"]);
});

test("an unknown label names the labels there are", () => {
  const { route, reasons } = chooseGpio({ ...wish, backend: "onoff", chipLabel: "pinctrl-bcm2711" }, pi5);
  expect(route).toBeNull();
  expect(reasons).toEqual([
    "onoff: no chip is labelled pinctrl-bcm2711; there are gpio-brcmstb@107d508500, pinctrl-rp1",
  ]);
});

test("a line past the chip's last one is refused", () => {
  expect(chooseGpio({ ...wish, highestLine: 54 }, pi5).reasons[0]).toBe(
    "onoff: chip pinctrl-rp1 has lines 0 to 53, no 54",
  );
});

test("an unknown board's first chip serves when no label is configured", () => {
  const chip = { label: "INT34C8:00", base: 512, lineCount: 200 };
  const { route } = chooseGpio(wish, { ...nothing, sysfs: { isWritable: true, chips: [chip] } });
  expect(route).toEqual({ backend: "onoff", chip });
});

test("a machine with nothing gets one reason for each of the three ways", () => {
  const { route, reasons } = chooseGpio(wish, nothing);
  expect(route).toBeNull();
  expect(reasons.map((reason) => reason.split(":")[0])).toEqual(["onoff", "gpiod", "evdev"]);
});
