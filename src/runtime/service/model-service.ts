import type { Clock } from "../../core/clock.ts";
import { isAppError, toAppError } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { LanguageModel } from "../ports.ts";
import type { Alerts } from "./alerts.ts";
import { type BackOff, retryUntil } from "./retry.ts";

const BACK_OFF: BackOff = { firstMs: 5_000, maxMs: 300_000 };

/**
 * Holds the language model. A model that cannot be loaded is an alert, not a failed start: buttons, feedback and profile
 * work without it, and it is tried again with back-off (5 s to 5 min), since the file may be on its way.
 */
export class ModelService implements Service {
  readonly name = "language model";
  readonly #load: (signal: AbortSignal) => Promise<LanguageModel>;
  readonly #alerts: Alerts;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #bus: EventBus<{ loaded: LanguageModel }>;
  #model: LanguageModel | null = null;
  #stopping = new AbortController();
  #retrying: Promise<void> = Promise.resolve();

  constructor(
    load: (signal: AbortSignal) => Promise<LanguageModel>,
    deps: { alerts: Alerts; clock: Clock; log: Logger },
  ) {
    this.#load = load;
    this.#alerts = deps.alerts;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#bus = new EventBus((_, error) => deps.log.error({ err: String(error) }, "model listener failed"));
  }

  /** Null while none is loaded. */
  get model(): LanguageModel | null {
    return this.#model;
  }

  /** Called with each model that becomes ready. Returns the unsubscribe function. */
  onLoaded(handler: (model: LanguageModel) => void): () => void {
    return this.#bus.on("loaded", handler);
  }

  /** Tries once; goes on trying in the background when that failed. */
  async start(signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    let attempts = 0;
    await new Promise<void>((firstDone) => {
      this.#retrying = retryUntil(
        this.#clock,
        BACK_OFF,
        stop,
        async () => {
          attempts += 1;
          this.#accept(await this.#load(stop));
        },
        (error, nextMs) => {
          if (attempts === 1) firstDone();
          this.#tell(error, nextMs);
        },
      ).then(() => firstDone());
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retrying;
    const model = this.#model;
    this.#model = null;
    await model?.[Symbol.asyncDispose]();
  }

  #accept(model: LanguageModel): void {
    this.#model = model;
    this.#alerts.clear("E_MODEL_NOT_READY");
    this.#log.info({ model: model.info.name, quantisation: model.info.quantisation }, "language model ready");
    this.#bus.emit("loaded", model);
  }

  #tell(thrown: unknown, nextMs: number): void {
    if (isAppError(thrown, "E_ABORTED")) return;
    const error = toAppError(thrown, "E_MODEL_NOT_READY", "the language model could not be loaded");
    this.#alerts.raise("E_MODEL_NOT_READY", `${error.message} [${error.code}]`, error.hint);
    this.#log.error({ code: error.code, next_ms: nextMs }, "language model not ready");
  }
}
