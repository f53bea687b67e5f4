import type { Clock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { LineReader } from "../core/line-reader.ts";
import type { Logger } from "../core/logger.ts";
import { alternatingEdges, type ButtonMap, buttonOn } from "./alternating-edges.ts";
import { type GpiodLines, gpiomonArgs, parseGpiomonLine } from "./gpiod-command.ts";
import type { ButtonEdge, ButtonInput } from "./ports.ts";
import { watchChild } from "./watched-child.ts";

const MAX_LINE_BYTES = 200;
const lineTooLong = (maxBytes: number) =>
  new AppError("E_GPIO_UNAVAILABLE", `gpiomon wrote a line of more than ${maxBytes} bytes`);

export interface GpiodButtonOptions extends GpiodLines {
  /** Offset on the chip of each button. */
  readonly lines: ButtonMap;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default `gpiomon`, found on the PATH. */
  readonly command?: string;
}

/** Buttons on a GPIO character device, read by libgpiod's gpiomon: for kernels without /sys/class/gpio. */
export class GpiodButtonInput implements ButtonInput {
  readonly name: string;
  readonly #options: GpiodButtonOptions;

  constructor(options: GpiodButtonOptions) {
    this.#options = options;
    this.name = `gpiomon ${options.chip}`;
  }

  async watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void> {
    const { lines, clock, log, command = "gpiomon" } = this.#options;
    const offsets = Object.values(lines);
    const report = alternatingEdges(clock, onEdge);
    const onLine = (line: string) => {
      const event = parseGpiomonLine(line);
      const button = event === null ? null : buttonOn(lines, event.offset);
      if (event !== null && button !== null) report(button, event.active);
    };
    const newReader = () => new LineReader(MAX_LINE_BYTES, onLine, lineTooLong);
    let reader = newReader();
    const onData = (chunk: Buffer) => {
      try {
        reader.accept(chunk);
      } catch (error) {
        if (!isAppError(error, "E_GPIO_UNAVAILABLE")) throw error;
        log.warn({ code: error.code }, "gpiomon wrote a line without end"); // no event of a button
      }
    };
    await watchChild(
      {
        command,
        args: gpiomonArgs(this.#options, offsets),
        packageName: "gpiod",
        clock,
        log,
        onData,
        onStart: () => {
          reader = newReader();
        },
      },
      signal,
    );
  }
}
