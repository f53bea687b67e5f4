import { expect, test } from "vitest";
import { gpiomonArgs, gpiosetArgs, parseGpiomonLine } from "../../../src/sensors/gpiod-command.ts";

const v1 = { majorVersion: 1, chip: "gpiochip0", activeLow: true } as const;
const v2 = { majorVersion: 2, chip: "gpiochip0", activeLow: true } as const;

test("gpiomon 1.6 names the chip in place, gpiomon 2 by an option", () => {
  expect(gpiomonArgs(v1, [17, 27]).join(" ")).toBe("-b -l --bias=pull-up --format=%o %e gpiochip0 17 27");
  expect(gpiomonArgs(v2, [17, 27]).join(" ")).toBe("-l --bias=pull-up --format=%o %E --chip=gpiochip0 17 27");
});

test("a button to the supply is pulled down and not inverted", () => {
  expect(gpiomonArgs({ ...v1, activeLow: false }, [17]).join(" ")).toBe(
    "-b --bias=pull-down --format=%o %e gpiochip0 17",
  );
});

test("gpioset holds the line until it is killed in both versions", () => {
  expect(gpiosetArgs(v1, 22, true).join(" ")).toBe("-l --mode=signal gpiochip0 22=1");
  expect(gpiosetArgs({ ...v2, activeLow: false }, 22, false).join(" ")).toBe("--chip=gpiochip0 22=0");
});

test.each([
  ["17 1", { offset: 17, active: true }],
  ["17 0", { offset: 17, active: false }],
  ["27 rising", { offset: 27, active: true }],
  ["27 falling", { offset: 27, active: false }],
  ["27 2", null],
  ["Monitoring line '17'...", null],
  ["", null],
])("%j is %j", (line, event) => {
  expect(parseGpiomonLine(line)).toEqual(event);
});
