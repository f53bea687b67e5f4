import type { Clock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { chooseGpio, type GpioRoute } from "./gpio-choice.ts";
import { type GpioSurvey, surveyGpio } from "./gpio-survey.ts";
import { GpiodLed } from "./gpiod-led.ts";
import { LedService } from "./led-service.ts";
import { OnoffLed } from "./onoff-led.ts";
import type { StatusLed } from "./ports.ts";

/** The part of the configuration that the status light needs. */
export interface LedConfig {
  /** null = no light. */
  readonly line: number | null;
  readonly activeLow: boolean;
}

/** Where the light is wired: the buttons' chip. */
export interface LedBoard {
  readonly backend: "auto" | "onoff" | "gpiod" | "evdev";
  readonly chipLabel: string;
}

export interface LedDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Default {@link surveyGpio} of the real file system. */
  readonly survey?: () => Promise<GpioSurvey>;
}

/** The status light's service, or null when none is configured. Its start rejects with E_GPIO_UNAVAILABLE. */
export function createLed(config: LedConfig, board: LedBoard, deps: LedDeps): LedService | null {
  const { line, activeLow } = config;
  if (line === null) return null;
  return new LedService({
    clock: deps.clock,
    log: deps.log,
    open: async () => await openLed(line, activeLow, board, await (deps.survey ?? surveyGpio)(), deps.clock),
  });
}

/** The first light that really goes dark when told to. */
async function openLed(
  line: number,
  activeLow: boolean,
  board: LedBoard,
  survey: GpioSurvey,
  clock: Clock,
): Promise<StatusLed> {
  // a key has no light: with evdev buttons the light is still a line
  const backend = board.backend === "evdev" ? "auto" : board.backend;
  const wish = { backend, chipLabel: board.chipLabel, highestLine: line, evdevName: "" } as const;
  const { routes, reasons } = chooseGpio(wish, survey);
  const failures: string[] = [...reasons];
  for (const route of routes) {
    const led = ledFor(route, line, activeLow, clock);
    if (led === null) continue;
    try {
      await led.set(false);
      return led;
    } catch (error) {
      if (!isAppError(error, "E_GPIO_UNAVAILABLE") || routes.length === 1) throw error;
      failures.push(`${route.backend}: ${error.message}`);
    }
  }
  throw new AppError("E_GPIO_UNAVAILABLE", `no way to the status light: ${failures.join("; ")}`);
}

function ledFor(route: GpioRoute, line: number, activeLow: boolean, clock: Clock): StatusLed | null {
  switch (route.backend) {
    case "onoff":
      return new OnoffLed({ chip: route.chip, line, activeLow });
    case "gpiod":
      return new GpiodLed({ majorVersion: route.majorVersion, chip: route.chip.name, line, activeLow, clock });
    case "evdev":
      return null;
  }
}
