import type { Clock } from "../../core/clock.ts";
import { type ErrorCode, isAppError, toAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { Alerts } from "./alerts.ts";
import { retryUntil } from "./retry.ts";

/**
 * A part that the appliance can do without for a while: a failed start is an alert, and is tried again with back-off
 * (1 to 60 s) until it succeeds or the service stops.
 */
export class RetryingService implements Service {
  readonly name: string;
  readonly #inner: Service;
  readonly #deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger };
  #stopping = new AbortController();
  #starting: Promise<unknown> = Promise.resolve();

  constructor(inner: Service, deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger }) {
    this.name = inner.name;
    this.#inner = inner;
    this.#deps = deps;
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(signal: AbortSignal): Promise<void> {
    const { alerts, clock, log } = this.#deps;
    this.#stopping = new AbortController();
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    await new Promise<void>((firstDone) => {
      let failedWith: ErrorCode | null = null;
      const attempt = async () => {
        await this.#inner.start(stop);
        if (failedWith !== null) alerts.clear(failedWith);
      };
      this.#starting = retryUntil(clock, { firstMs: 1_000, maxMs: 60_000 }, stop, attempt, (thrown, nextMs) => {
        const error = isAppError(thrown) ? thrown : toAppError(thrown, "E_INTERNAL", `${this.name} did not start`);
        if (failedWith !== null && failedWith !== error.code) alerts.clear(failedWith);
        if (failedWith !== error.code) log.warn({ part: this.name, code: error.code, next_ms: nextMs }, "part missing");
        failedWith = error.code;
        alerts.raise(error.code, error.message, error.hint);
        firstDone();
      }).then(() => firstDone());
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await this.#inner.stop();
  }
}
