import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { ServiceManager } from "./systemd-notify.ts";

/** One reason to believe that the service is alive. Resolves to null when healthy, else to what is wrong. */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<string | null>;
}

/**
 * The earned watchdog: pings systemd at half the interval, and only while every check holds. A check that does not
 * answer within a quarter of the interval counts as failed. After a failed one it looks again soon, so that what has
 * passed does not cost the service. The failing check is named in the log and in STATUS=.
 */
export class Watchdog implements Service {
  readonly name = "watchdog";
  readonly #manager: ServiceManager;
  readonly #checks: readonly HealthCheck[];
  readonly #clock: Clock;
  readonly #log: Logger;
  #failing: string | null = null;
  #cancel: (() => void) | null = null;

  constructor(manager: ServiceManager, checks: readonly HealthCheck[], clock: Clock, log: Logger) {
    this.#manager = manager;
    this.#checks = checks;
    this.#clock = clock;
    this.#log = log;
  }

  async start(): Promise<void> {
    const { watchdogMs } = this.#manager;
    if (watchdogMs !== null) this.#schedule(watchdogMs, watchdogMs / 2);
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
  }

  #schedule(watchdogMs: number, waitMs: number): void {
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#pingWhenHealthy(watchdogMs).then(
        (isHealthy) => {
          if (this.#cancel !== null) this.#schedule(watchdogMs, watchdogMs / (isHealthy ? 2 : 10));
        },
        (error: unknown) => this.#log.error({ err: String(error) }, "watchdog round failed"),
      );
    });
  }

  async #pingWhenHealthy(watchdogMs: number): Promise<boolean> {
    const failure = await firstFailure(this.#checks, this.#clock, watchdogMs / 4);
    if (failure === null) this.#manager.ping();
    if (failure === this.#failing) return failure === null;
    this.#failing = failure;
    if (failure === null) {
      this.#log.info({}, "health checks hold again");
      this.#manager.status("healthy");
    } else {
      this.#log.error({ check: failure }, "health check failed, watchdog not fed");
      this.#manager.status(`unhealthy: ${failure}`);
    }
    return failure === null;
  }
}

/** The first check that fails or stays silent for `timeoutMs`, as `name: what is wrong`; null when all hold. */
export async function firstFailure(
  checks: readonly HealthCheck[],
  clock: Clock,
  timeoutMs: number,
): Promise<string | null> {
  for (const { name, check } of checks) {
    const wrong = await new Promise<string | null>((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve(`no answer within ${timeoutMs} ms`));
      check().then(
        (result) => {
          cancel();
          resolve(result);
        },
        (error: unknown) => {
          cancel();
          resolve(error instanceof Error ? error.message : "failed");
        },
      );
    });
    if (wrong !== null) return `${name}: ${wrong}`;
  }
  return null;
}
