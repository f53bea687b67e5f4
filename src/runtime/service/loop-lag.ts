import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Service } from "../../core/service.ts";
import type { HealthCheck } from "./watchdog.ts";

/** Of the timer that measures: it wakes the processor this often for as long as the service runs. */
const RESOLUTION_MS = 250;

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

  /** By how much the loop was late since the last check, 99th percentile, ms; 0 before the first tick. */
  get p99Ms(): number {
    return Math.max(0, Math.round(this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS));
  }

  /** Fails when the loop was blocked for longer than `limitMs` since the last check; up to 250 ms of a block go unseen. */
  check(limitMs: number): HealthCheck {
    return {
      name: this.name,
      check: async () => {
        // what is recorded is the time between two ticks, so the wait itself is part of it
        const maxMs = this.#histogram.max / 1e6 - RESOLUTION_MS;
        this.#histogram.reset();
        return maxMs > limitMs ? `blocked for ${Math.round(maxMs)} ms` : null;
      },
    };
  }
}
