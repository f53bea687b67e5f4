import type { Clock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { ButtonMap } from "./alternating-edges.ts";
import { DEFAULT_KEYS, EvdevButtonInput } from "./evdev-button.ts";
import { chooseGpio, type GpioChoice, type GpioRoute } from "./gpio-choice.ts";
import { type GpioSurvey, surveyGpio } from "./gpio-survey.ts";
import { GpiodButtonInput } from "./gpiod-button.ts";
import { OnoffButtonInput } from "./onoff-button.ts";
import type { ButtonEdge, ButtonInput } from "./ports.ts";

/** The part of the configuration that buttons need; null = no such button. */
export interface ButtonsConfig {
  readonly backend: "auto" | "onoff" | "gpiod" | "evdev";
  readonly chipLabel: string;
  readonly talkLine: number | null;
  readonly upLine: number | null;
  readonly downLine: number | null;
  readonly activeLow: boolean;
  readonly evdevName: string;
  /** Key codes for evdev; default {@link DEFAULT_KEYS}. */
  readonly talkKey?: number;
  readonly upKey?: number;
  readonly downKey?: number;
}

export interface ButtonsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Default {@link surveyGpio} of the real file system. */
  readonly survey?: () => Promise<GpioSurvey>;
}

/** How the configured buttons would be reached, and why; for `doctor`. */
export function chooseButtonRoute(config: ButtonsConfig, survey: GpioSurvey): GpioChoice {
  const lines = [config.talkLine, config.upLine, config.downLine].filter((line) => line !== null);
  const { backend, chipLabel, evdevName } = config;
  return chooseGpio(
    { backend, chipLabel, evdevName, highestLine: lines.length === 0 ? null : Math.max(...lines) },
    survey,
  );
}

/** Buttons of a real board. The machine is looked at anew with each `watch`, so that a retry finds what has appeared. */
export function createButtons(config: ButtonsConfig, deps: ButtonsDeps): ButtonInput {
  return new BoardButtons(config, deps);
}

class BoardButtons implements ButtonInput {
  readonly #config: ButtonsConfig;
  readonly #deps: ButtonsDeps;
  #name = "buttons";

  constructor(config: ButtonsConfig, deps: ButtonsDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** The technology, once it is chosen. */
  get name(): string {
    return this.#name;
  }

  async watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void> {
    const survey = await (this.#deps.survey ?? surveyGpio)();
    if (signal.aborted) return;
    const { routes, reasons } = chooseButtonRoute(this.#config, survey);
    const failures: string[] = [...reasons];
    for (const route of routes) {
      const input = inputFor(route, this.#config, this.#deps);
      try {
        await input.watch(onEdge, signal);
        this.#name = input.name;
        this.#deps.log.info({ buttons: input.name }, "watching the buttons");
        return;
      } catch (error) {
        // the only way there was keeps its own hint
        if (!isAppError(error, "E_GPIO_UNAVAILABLE") || routes.length === 1) throw error;
        failures.push(`${route.backend}: ${error.message}`);
      }
    }
    throw new AppError("E_GPIO_UNAVAILABLE", `no way to the buttons: ${failures.join("; ")}`);
  }
}

function inputFor(route: GpioRoute, config: ButtonsConfig, { clock, log }: ButtonsDeps): ButtonInput {
  const { activeLow } = config;
  const lines = linesOf(config);
  switch (route.backend) {
    case "onoff":
      return new OnoffButtonInput({ chip: route.chip, lines, activeLow, clock, log });
    case "gpiod":
      return new GpiodButtonInput({
        majorVersion: route.majorVersion,
        chip: route.chip.name,
        lines,
        activeLow,
        clock,
        log,
      });
    case "evdev":
      return new EvdevButtonInput({
        devices: route.devices.map(({ path }) => path),
        keys: {
          talk: config.talkKey ?? DEFAULT_KEYS.talk,
          up: config.upKey ?? DEFAULT_KEYS.up,
          down: config.downKey ?? DEFAULT_KEYS.down,
        },
        clock,
        log,
      });
  }
}

function linesOf({ talkLine, upLine, downLine }: ButtonsConfig): ButtonMap {
  return {
    ...(talkLine === null ? {} : { talk: talkLine }),
    ...(upLine === null ? {} : { up: upLine }),
    ...(downLine === null ? {} : { down: downLine }),
  };
}
