import { type Clock, withDeadline } from "../../core/clock.ts";
import { toAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";

export interface ServiceStep {
  readonly service: Service;
  /** Default 5 minutes: a card that is busy or an emulated processor is no fault, and the service manager bounds the whole. */
  readonly startMs?: number;
  readonly stopMs: number;
}

const START_MS = 300_000;

/**
 * Starts services in order and stops the started ones in reverse, each within its own deadline. A service that misses
 * its stop deadline, or fails to stop, is logged and left behind: the others are still stopped.
 */
export class Lifecycle {
  readonly #steps: readonly ServiceStep[];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #started: ServiceStep[] = [];

  constructor(steps: readonly ServiceStep[], clock: Clock, log: Logger) {
    this.#steps = steps;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws AppError of the first service that failed, after stopping those before it. */
  async start(signal: AbortSignal): Promise<void> {
    for (const step of this.#steps) {
      this.#started.push(step);
      try {
        signal.throwIfAborted();
        await withDeadline(
          this.#clock,
          step.startMs ?? START_MS,
          `starting ${step.service.name}`,
          step.service.start(signal),
        );
      } catch (error) {
        await this.stop();
        throw toAppError(error, "E_INTERNAL", `${step.service.name} did not start`);
      }
    }
  }

  /** Names of the services that did not stop in time; empty on a clean stop. May be called twice. */
  async stop(): Promise<readonly string[]> {
    const left: string[] = [];
    for (let step = this.#started.pop(); step !== undefined; step = this.#started.pop()) {
      try {
        await withDeadline(this.#clock, step.stopMs, `stopping ${step.service.name}`, step.service.stop());
      } catch (error) {
        left.push(step.service.name);
        this.#log.error({ service: step.service.name, err: String(error) }, "service did not stop cleanly");
      }
    }
    return left;
  }
}
