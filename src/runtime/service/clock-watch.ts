import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { Alerts } from "./alerts.ts";

/** How often it is looked, ms. */
const CHECK_MS = 60_000;
/** A wall clock that differs by more from the monotonic one since the last look has been set, ms. */
const MAX_DRIFT_MS = 5 * 60_000;
/** For so long the alert stands after the clock was set for the last time, ms. */
const SETTLED_MS = 3_600_000;

/** Raises E_CLOCK_SET while the wall clock has been set lately: expiry waits, and times told are not to be relied on. */
export class ClockWatch implements Service {
  readonly name = "clock watch";
  readonly #deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger };
  #aheadMs = 0;
  #setAtMs: number | null = null;
  #cancel = () => {};

  constructor(deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#aheadMs = this.#wallAheadMs();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#deps.clock.after(CHECK_MS, () => {
      this.#look();
      this.#schedule();
    });
  }

  #look(): void {
    const { alerts, clock, log } = this.#deps;
    const driftMs = this.#wallAheadMs() - this.#aheadMs;
    this.#aheadMs += driftMs;
    if (Math.abs(driftMs) > MAX_DRIFT_MS) {
      const drift_s = Math.round(driftMs / 1_000);
      log.warn({ code: "E_CLOCK_SET", drift_s }, "the clock was set");
      alerts.raise("E_CLOCK_SET", `the clock was set ${drift_s > 0 ? "forward" : "back"} by ${Math.abs(drift_s)} s`);
      this.#setAtMs = clock.monotonicMs();
    } else if (this.#setAtMs !== null && clock.monotonicMs() - this.#setAtMs >= SETTLED_MS) {
      this.#setAtMs = null;
      alerts.clear("E_CLOCK_SET");
    }
  }

  /** By how much the wall clock is ahead of the monotonic one; the same while nobody sets it. */
  #wallAheadMs(): number {
    const { clock } = this.#deps;
    return clock.now() - clock.monotonicMs();
  }
}
