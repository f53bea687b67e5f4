import { readFile } from "node:fs/promises";
import { Mutex } from "async-mutex";
import * as v from "valibot";
import type { TrainingHold } from "../../adapt/eligibility.ts";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { isEnoent } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";
import type { Logger } from "../../core/logger.ts";

const fileSchema = v.strictObject({ v: v.literal(1), enabled: v.boolean(), paused: v.boolean() });

interface Switches {
  readonly enabled: boolean;
  readonly paused: boolean;
}

/**
 * What the owner decided for every profile of the household: whether anything is learned at all, and whether training
 * stands still. Kept over restarts.
 *
 * INVARIANT: what allows more is on disk before it takes effect; what restricts takes effect even when the disk is full.
 */
export class LearningSwitches {
  readonly #path: string;
  readonly #bus: EventBus<{ changed: undefined }>;
  readonly #changes = new Mutex();
  #switches: Switches;

  private constructor(path: string, switches: Switches, log: Logger) {
    this.#path = path;
    this.#switches = switches;
    this.#bus = new EventBus((_, error) => log.error({ err: String(error) }, "learning switch listener failed"));
  }

  /**
   * @param path e.g. `<stateDir>/learning.json`; without it learning is on and nothing is paused. A file that cannot be
   * read counts as switched off: nobody may guess that learning is allowed.
   */
  static async open(path: string, log: Logger): Promise<LearningSwitches> {
    try {
      const { enabled, paused } = v.parse(fileSchema, JSON.parse(await readFile(path, "utf8")));
      return new LearningSwitches(path, { enabled, paused }, log);
    } catch (error) {
      if (isEnoent(error)) return new LearningSwitches(path, { enabled: true, paused: false }, log);
      log.warn({ code: "E_FILE_UNREADABLE", path }, "the learning switch cannot be read: learning is off");
      return new LearningSwitches(path, { enabled: false, paused: false }, log);
    }
  }

  get isEnabled(): boolean {
    return this.#switches.enabled;
  }

  get isPaused(): boolean {
    return this.#switches.paused;
  }

  /** What they mean for training. */
  get hold(): TrainingHold | null {
    if (!this.isEnabled) return "learning_off";
    return this.isPaused ? "paused" : null;
  }

  onChange(handler: () => void): () => void {
    return this.#bus.on("changed", handler);
  }

  /** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE; switching off holds all the same, until the next start. */
  setEnabled(enabled: boolean): Promise<void> {
    return this.#set({ enabled });
  }

  /** @throws as {@link setEnabled}. */
  setPaused(paused: boolean): Promise<void> {
    return this.#set({ paused });
  }

  #set(change: Partial<Switches>): Promise<void> {
    return this.#changes.runExclusive(async () => {
      const next = { ...this.#switches, ...change };
      const isStricter = change.enabled === false || change.paused === true;
      if (isStricter) this.#take(next);
      await writeFileAtomic(this.#path, `${JSON.stringify({ v: 1, ...next })}\n`);
      if (!isStricter) this.#take(next);
    });
  }

  #take(next: Switches): void {
    this.#switches = next;
    this.#bus.emit("changed", undefined);
  }
}
