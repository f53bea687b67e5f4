import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { DEFAULT_KEYS, EvdevButtonInput } from "../../src/sensors/evdev-button.ts";
import { surveyGpio } from "../../src/sensors/gpio-survey.ts";
import { GpiodButtonInput } from "../../src/sensors/gpiod-button.ts";
import { VirtualButtons } from "../../src/sensors/virtual-buttons.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { makeEvdevPipes } from "../support/evdev-pipes.ts";
import { lacksGpioSim, makeGpioSim } from "../support/gpio-sim.ts";
import { buttonInputContract } from "./button-input.ts";

const clock = new SystemClock();

describeWhen(null, "virtual buttons", () => {
  buttonInputContract(async () => {
    const input = new VirtualButtons(clock);
    return {
      input,
      move: (button, pressed) => input.set(button, pressed),
      [Symbol.asyncDispose]: async () => {},
    };
  });
});

for (const recordBytes of [16, 24] as const) {
  describeWhen(lacksProgram("cat", "mkfifo"), `evdev with records of ${recordBytes} bytes, one device`, () => {
    buttonInputContract(async () => {
      const pipes = await makeEvdevPipes(["gpio-keys"], recordBytes);
      const input = new EvdevButtonInput({
        devices: [pipes.device(0)],
        keys: DEFAULT_KEYS,
        clock,
        log: silentLogger,
        recordBytes,
      });
      return {
        input,
        move: (button, pressed) => pipes.key(0, DEFAULT_KEYS[button], pressed ? 1 : 0),
        [Symbol.asyncDispose]: () => pipes[Symbol.asyncDispose](),
      };
    });
  });
}

describeWhen(lacksProgram("cat", "mkfifo"), "evdev, one device per button", () => {
  const device = { talk: 0, up: 1, down: 2 } as const;
  buttonInputContract(async () => {
    const pipes = await makeEvdevPipes(["button@11", "button@1b", "button@5"]);
    const input = new EvdevButtonInput({
      devices: [0, 1, 2].map((index) => pipes.device(index)),
      keys: DEFAULT_KEYS,
      clock,
      log: silentLogger,
      recordBytes: 24,
    });
    return {
      input,
      move: (button, pressed) => pipes.key(device[button], DEFAULT_KEYS[button], pressed ? 1 : 0),
      [Symbol.asyncDispose]: () => pipes[Symbol.asyncDispose](),
    };
  });
});

describeWhen(lacksProgram("gpiomon") ?? lacksGpioSim(), "gpiomon on a simulated chip", () => {
  const lines = { talk: 17, up: 27, down: 5 } as const;
  buttonInputContract(async () => {
    const sim = await makeGpioSim("asls-buttons");
    for (const line of Object.values(lines)) await sim.pull(line, 1);
    const majorVersion = (await surveyGpio()).gpiod.majorVersion ?? 1;
    return {
      input: new GpiodButtonInput({ majorVersion, chip: sim.chip, activeLow: true, lines, clock, log: silentLogger }),
      move: (button, pressed) => sim.pull(lines[button], pressed ? 0 : 1),
      [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
    };
  });
});
