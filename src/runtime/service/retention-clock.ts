import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { ProfileArchive } from "../../profile/ports.ts";
import { expiryBefore } from "../../profile/retention.ts";

/** How often expiry is looked at, ms. */
const CHECK_MS = 3_600_000;
/** A wall clock that differs by more from the monotonic one since the last look has been set, ms. */
const MAX_DRIFT_MS = 5 * 60_000;

export interface RetentionClockDeps {
  readonly archive: Pick<ProfileArchive, "list" | "oldestMs" | "deleteBefore">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Days, for profiles without a time of their own; null = for good. */
  readonly defaultDays: number | null;
  /** The rows are gone: takes what was learned from them out of use. */
  onDeleted(interactionIds: readonly string[]): Promise<unknown>;
}

/**
 * Deletes interactions whose time is over, in every profile.
 *
 * INVARIANT: nothing is deleted on the word of a clock that has just been set. A board without a battery-backed clock may start
 * years off: the first look only notes the time, and a look deletes only when wall and monotonic clock have agreed since the
 * one before.
 */
export class RetentionClock implements Service {
  readonly name = "retention";
  readonly #deps: RetentionClockDeps;
  #last: { readonly wallMs: number; readonly monotonicMs: number } | null = null;
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();
  #isStopped = true;

  constructor(deps: RetentionClockDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#isStopped = false;
    this.#last = this.#clocks();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#deps.clock.after(CHECK_MS, () => {
      this.#running = this.#look()
        .catch((error: unknown) =>
          this.#deps.log.error({ err: String(error) }, "expired interactions were not deleted"),
        )
        .then(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { archive, defaultDays, log } = this.#deps;
    const before = this.#last;
    const now = this.#clocks();
    this.#last = now;
    if (before === null) return;
    const driftMs = Math.abs(now.wallMs - before.wallMs - (now.monotonicMs - before.monotonicMs));
    if (driftMs > MAX_DRIFT_MS) {
      log.warn({ drift_s: Math.round(driftMs / 1000) }, "the clock was set: nothing expires until the next look");
      return;
    }
    for (const { id, retentionDays } of await archive.list()) {
      const days = retentionDays ?? defaultDays ?? 0;
      const beforeMs = expiryBefore(await archive.oldestMs(id), now.wallMs, days, CHECK_MS);
      if (beforeMs === null) continue;
      const { ids } = await archive.deleteBefore(id, beforeMs);
      if (ids.length > 0) await this.#deps.onDeleted(ids);
    }
  }

  #clocks() {
    const { clock } = this.#deps;
    return { wallMs: clock.now(), monotonicMs: clock.monotonicMs() };
  }
}
