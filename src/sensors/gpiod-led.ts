import { type ChildProcess, spawn } from "node:child_process";
import { AppError, isEnoent } from "../core/errors.ts";
import { type GpiodLines, gpiosetArgs } from "./gpiod-command.ts";
import type { StatusLed } from "./ports.ts";

export interface GpiodLedOptions extends GpiodLines {
  /** Offset on the chip. */
  readonly line: number;
  /** Default `gpioset`, found on the PATH. */
  readonly command?: string;
}

/**
 * A light on a GPIO character device: one gpioset holds the line for each state, since a released line may fall back. Costs a
 * process (2-3 ms) per change, so it is for lights, not for dimming.
 */
export class GpiodLed implements StatusLed {
  readonly #options: GpiodLedOptions;
  #holder: ChildProcess | null = null;
  #isOn: boolean | null = null;

  constructor(options: GpiodLedOptions) {
    this.#options = options;
  }

  /** @throws AppError E_GPIO_UNAVAILABLE when gpioset is missing; that it ended shows at the next change. */
  async set(on: boolean): Promise<void> {
    if (on === this.#isOn && this.#holder?.exitCode === null) return;
    await this.#release();
    const child = spawn(this.#options.command ?? "gpioset", gpiosetArgs(this.#options, this.#options.line, on), {
      stdio: "ignore",
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(
          new AppError("E_GPIO_UNAVAILABLE", isEnoent(cause) ? "gpioset was not found" : "gpioset cannot be started", {
            hint: "apt install gpiod",
            cause,
          }),
        ),
      );
    });
    this.#holder = child;
    this.#isOn = on;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOn === true) await this.set(false);
    await this.#release();
  }

  /** The line is free again when the old holder is gone, not when it was told to go. */
  async #release(): Promise<void> {
    const holder = this.#holder;
    this.#holder = null;
    this.#isOn = null;
    if (holder === null || holder.exitCode !== null || holder.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      holder.once("exit", () => resolve());
      holder.kill("SIGTERM");
    });
  }
}
