import type { Clock } from "../core/clock.ts";
import { isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Service } from "../core/service.ts";
import { type LedSign, ledAt } from "./led-pattern.ts";
import type { StatusLed } from "./ports.ts";

export interface LedServiceOptions {
  /** Opens the light; called at every start, the light is disposed of at stop. @throws AppError E_GPIO_UNAVAILABLE. */
  readonly open: () => Promise<StatusLed>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Shows signs as patterns on a {@link StatusLed}. A light that fails is reported once and left alone until it works. */
export class LedService implements Service {
  readonly name = "led";
  readonly #options: LedServiceOptions;
  #led: StatusLed | null = null;
  #sign: LedSign = "idle";
  #sinceMs = 0;
  #cancelTimer: () => void = () => {};
  /** Sets run one after the other, in order. */
  #setting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: LedServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#led !== null) return;
    this.#led = await this.#options.open();
    this.#sinceMs = this.#options.clock.monotonicMs();
    this.#tick();
  }

  async stop(): Promise<void> {
    const led = this.#led;
    this.#led = null;
    this.#cancelTimer();
    await this.#setting;
    await led?.[Symbol.asyncDispose]();
  }

  /** Starts that sign's pattern from its beginning; the sign already shown goes on undisturbed. Remembered before start. */
  show(sign: LedSign): void {
    if (sign === this.#sign) return;
    this.#sign = sign;
    this.#sinceMs = this.#options.clock.monotonicMs();
    if (this.#led !== null) this.#tick();
  }

  #tick(): void {
    const { clock } = this.#options;
    this.#cancelTimer();
    const moment = ledAt(this.#sign, clock.monotonicMs() - this.#sinceMs);
    this.#setting = this.#setting.then(() => this.#set(moment.on));
    if (moment.remainsMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = clock.after(moment.remainsMs, () => this.#tick());
    }
  }

  async #set(on: boolean): Promise<void> {
    try {
      await this.#led?.set(on);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        const code = isAppError(error) ? error.code : "E_GPIO_UNAVAILABLE";
        this.#options.log.warn({ code }, "the status light does not answer");
      }
      this.#hasFailed = true;
    }
  }
}
