import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Service } from "../../core/service.ts";
import type { HealthCheck } from "./watchdog.ts";

const RESOLUTION_MS = 20;

/** Measures how long the event loop is blocked; the watchdog asks it. */
export class LoopLag implements Service {
  readonly name = "event loop";
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  async start(): Promise<void> {
    this.#histogram.enable();
  }

  async stop(): Promise<void> {
    this.#histogram.disable();
  }

  /** Fails when the loop was blocked for longer than `limitMs` since the last check. */
  check(limitMs: number): HealthCheck {
    return {
      name: this.name,
      check: async () => {
        const maxMs = this.#histogram.max / 1e6;
        this.#histogram.reset();
        return maxMs > limitMs ? `blocked for ${Math.round(maxMs)} ms` : null;
      },
    };
  }
}
