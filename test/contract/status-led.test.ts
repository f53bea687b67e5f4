import { SystemClock } from "../../src/core/clock.ts";
import { surveyGpio } from "../../src/sensors/gpio-survey.ts";
import { GpiodLed } from "../../src/sensors/gpiod-led.ts";
import { VirtualLed } from "../../src/sensors/virtual-led.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { lacksGpioSim, makeGpioSim } from "../support/gpio-sim.ts";
import { statusLedContract } from "./status-led.ts";

describeWhen(null, "virtual light", () => {
  statusLedContract(async () => {
    const led = new VirtualLed();
    return { led, isLit: () => led.isOn, [Symbol.asyncDispose]: async () => {} };
  });
});

describeWhen(lacksProgram("gpioset") ?? lacksGpioSim(), "gpioset on a simulated chip", () => {
  statusLedContract(async () => {
    const sim = await makeGpioSim("asls-led");
    const majorVersion = (await surveyGpio()).gpiod.majorVersion ?? 1;
    const led = new GpiodLed({ majorVersion, chip: sim.chip, line: 22, activeLow: false, clock: new SystemClock() });
    return {
      led,
      isLit: async () => (await sim.level(22)) === 1,
      [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
    };
  });
});
