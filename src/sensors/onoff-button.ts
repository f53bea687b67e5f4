import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { alternatingEdges, type ButtonMap } from "./alternating-edges.ts";
import type { SysfsChip } from "./gpio-survey.ts";
import { type Gpio, type GpioConstructor, gpioError, loadOnoff } from "./onoff-module.ts";
import type { ButtonEdge, ButtonInput, ButtonName } from "./ports.ts";

export interface OnoffButtonOptions {
  /** Its base is added to the lines: kernels from 6.6 on count from 512. */
  readonly chip: SysfsChip;
  /** Line on the chip of each button (on a Raspberry Pi the BCM number). */
  readonly lines: ButtonMap;
  readonly activeLow: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Buttons through /sys/class/gpio by onoff; pull-ups must be on the board or in config.txt (`gpio=17=pu`). */
export class OnoffButtonInput implements ButtonInput {
  readonly name: string;
  readonly #options: OnoffButtonOptions;

  constructor(options: OnoffButtonOptions) {
    this.#options = options;
    this.name = `onoff ${options.chip.label}`;
  }

  async watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void> {
    const { lines, clock } = this.#options;
    const Gpio = await loadOnoff();
    if (signal.aborted) return;
    const report = alternatingEdges(clock, onEdge);
    const open: Gpio[] = [];
    const close = () => {
      for (const gpio of open.splice(0)) gpio.unexport();
    };
    try {
      for (const button of ["talk", "up", "down"] as const) {
        const line = lines[button];
        if (line !== undefined) open.push(this.#open(Gpio, button, line, report));
      }
    } catch (error) {
      close();
      throw error;
    }
    signal.addEventListener("abort", close, { once: true });
  }

  #open(
    Gpio: GpioConstructor,
    button: ButtonName,
    line: number,
    report: (button: ButtonName, pressed: boolean) => void,
  ): Gpio {
    const { chip, activeLow, log } = this.#options;
    let failures = 0;
    try {
      const gpio = new Gpio(chip.base + line, "in", "both", { activeLow });
      gpio.watch((error, value) => {
        // onoff reads the level itself; one warning, not one per edge
        if (error === null || error === undefined) report(button, value === 1);
        else if (failures++ === 0) log.warn({ line, code: "E_GPIO_UNAVAILABLE" }, "a button's line cannot be read");
      });
      return gpio;
    } catch (error) {
      throw gpioError(error, line, chip.label);
    }
  }
}
