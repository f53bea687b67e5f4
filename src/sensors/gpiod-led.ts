import { type ChildProcess, spawn } from "node:child_process";
import { type Clock, delay } from "../core/clock.ts";
import { AppError, isEnoent } from "../core/errors.ts";
import { type GpiodLines, gpiosetArgs } from "./gpiod-command.ts";
import type { StatusLed } from "./ports.ts";

/** A gpioset that cannot take its line says so within this time, ms; a state lasts at least 80 ms (led-pattern.ts). */
const SETTLED_MS = 30;
const MAX_DIAGNOSTIC_CHARS = 500;

export interface GpiodLedOptions extends GpiodLines {
  /** Offset on the chip. */
  readonly line: number;
  readonly clock: Clock;
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

  /** @throws AppError E_GPIO_UNAVAILABLE when gpioset is missing or cannot have the line. */
  async set(on: boolean): Promise<void> {
    if (on === this.#isOn && this.#holder?.exitCode === null) return;
    await this.#release();
    const { command = "gpioset", line, clock } = this.#options;
    const child = spawn(command, gpiosetArgs(this.#options, line, on), { stdio: ["ignore", "ignore", "pipe"] });
    let diagnostics = "";
    child.stderr.on("data", (part: Buffer) => {
      diagnostics += part.toString("utf8").slice(0, MAX_DIAGNOSTIC_CHARS);
    });
    const settling = new AbortController();
    const failed = new Promise<AppError>((resolve) => {
      child.once("error", (cause) => {
        const what = isEnoent(cause) ? "was not found" : "cannot be started";
        resolve(new AppError("E_GPIO_UNAVAILABLE", `${command} ${what}`, { hint: "apt install gpiod", cause }));
      });
      child.once("close", (exitCode) => {
        const reason = diagnostics.trim().split("\n")[0] || `${command} ended with ${exitCode}`;
        resolve(new AppError("E_GPIO_UNAVAILABLE", reason));
      });
    });
    const settled = delay(clock, SETTLED_MS, settling.signal).then(
      () => null,
      () => null,
    );
    const error = await Promise.race([settled, failed]);
    settling.abort();
    if (error !== null) throw error;
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
