import type { SysfsChip } from "./gpio-survey.ts";
import { type Gpio, gpioError, loadOnoff } from "./onoff-module.ts";
import type { StatusLed } from "./ports.ts";

export interface OnoffLedOptions {
  readonly chip: SysfsChip;
  /** Line on the chip. */
  readonly line: number;
  readonly activeLow: boolean;
}

/** A light through /sys/class/gpio by onoff. The line is taken at the first `set` and given back when disposed of. */
export class OnoffLed implements StatusLed {
  readonly #options: OnoffLedOptions;
  #gpio: Gpio | null = null;

  constructor(options: OnoffLedOptions) {
    this.#options = options;
  }

  /** @throws AppError E_GPIO_UNAVAILABLE. */
  async set(on: boolean): Promise<void> {
    const { chip, line, activeLow } = this.#options;
    const Gpio = await loadOnoff();
    try {
      // "high" and "low" are levels of the pin: dark until the write below
      this.#gpio ??= new Gpio(chip.base + line, activeLow ? "high" : "low", "none", { activeLow });
      await this.#gpio.write(on ? 1 : 0);
    } catch (error) {
      throw gpioError(error, line, chip.label);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gpio = this.#gpio;
    this.#gpio = null;
    if (gpio === null) return;
    try {
      await gpio.write(0);
    } finally {
      gpio.unexport();
    }
  }
}
