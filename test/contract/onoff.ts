import { describe, expect, test } from "vitest";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { createButtons } from "../../src/sensors/buttons.ts";
import { surveyGpio } from "../../src/sensors/gpio-survey.ts";
import { createLed } from "../../src/sensors/led.ts";
import { OnoffButtonInput } from "../../src/sensors/onoff-button.ts";
import { OnoffLed } from "../../src/sensors/onoff-led.ts";
import { eventually } from "../support/eventually.ts";
import { driveLine, readLine } from "../support/fuse-gpio/fuse-gpio.ts";
import { buttonInputContract } from "./button-input.ts";
import { statusLedContract } from "./status-led.ts";

const LINES = { talk: 17, up: 27, down: 5 } as const;
const LED_LINE = 22;
const clock = new SystemClock();

async function rp1() {
  const chip = (await surveyGpio()).sysfs.chips.find(({ label }) => label === "pinctrl-rp1");
  if (chip === undefined) throw new Error("the namespace has no pinctrl-rp1");
  return chip;
}

/** Real onoff with its native epoll, for the mount namespace in which /sys/class/gpio is the FUSE file system. */
export function onoffSuites(): void {
  describe.each([
    ["to ground", true],
    ["to the supply", false],
  ])("onoff, buttons wired %s", (_, activeLow) => {
    const level = (pressed: boolean) => (pressed === activeLow ? 0 : 1);
    buttonInputContract(async () => {
      for (const line of Object.values(LINES)) driveLine(line, level(false));
      return {
        input: new OnoffButtonInput({ chip: await rp1(), lines: LINES, activeLow, clock, log: silentLogger }),
        move: (button, pressed) => driveLine(LINES[button], level(pressed)),
        [Symbol.asyncDispose]: async () => {},
      };
    });
  });

  describe.each([
    ["to ground", false],
    ["to the supply", true],
  ])("onoff, light wired %s", (_, activeLow) => {
    statusLedContract(async () => {
      const led = new OnoffLed({ chip: await rp1(), line: LED_LINE, activeLow });
      return { led, isLit: () => readLine(LED_LINE) ?? false, [Symbol.asyncDispose]: async () => {} };
    });
  });

  test("the chosen route is onoff with the base of the board's own chip, 571 and not 563", async () => {
    for (const line of Object.values(LINES)) driveLine(line, 1);
    const input = createButtons(
      {
        backend: "auto",
        chipLabel: "",
        talkLine: LINES.talk,
        upLine: null,
        downLine: null,
        activeLow: true,
        evdevName: "gpio-keys",
      },
      { clock, log: silentLogger },
    );
    const abort = new AbortController();
    const seen: string[] = [];
    await input.watch(({ button, pressed }) => seen.push(`${button} ${pressed}`), abort.signal);
    driveLine(LINES.talk, 0);
    await eventually(() => seen.length === 1);
    expect(seen).toEqual(["talk true"]);
    expect(input.name).toBe("onoff pinctrl-rp1");
    expect(readLine(LINES.talk)).toBe(true);
    abort.abort();
    expect(readLine(LINES.talk)).toBeNull();
  });

  test("the light's service finds onoff by itself, blinks line 22 and leaves it dark and free", async () => {
    const log = silentLogger;
    const service = createLed({ line: LED_LINE, activeLow: true }, { backend: "auto", chipLabel: "" }, { clock, log });
    service?.show("thinking");
    await service?.start();
    await eventually(() => readLine(LED_LINE) === true);
    await eventually(() => readLine(LED_LINE) === false);
    await service?.stop();
    expect(readLine(LED_LINE)).toBeNull();
  });

  test("a light on a line past the end of the chip fails the service's start", async () => {
    const log = silentLogger;
    const service = createLed({ line: 300, activeLow: true }, { backend: "onoff", chipLabel: "" }, { clock, log });
    await expect(service?.start()).rejects.toMatchObject({ code: "E_GPIO_UNAVAILABLE" });
  });

  test("a line past the end of the chip is E_GPIO_UNAVAILABLE and leaves no line exported", async () => {
    const input = new OnoffButtonInput({
      chip: await rp1(),
      lines: { talk: 17, up: 300 },
      activeLow: true,
      clock,
      log: silentLogger,
    });
    await expect(input.watch(() => {}, new AbortController().signal)).rejects.toMatchObject({
      code: "E_GPIO_UNAVAILABLE",
      hint: expect.stringContaining("no such line"),
    });
    expect(readLine(17)).toBeNull();
  });
}
