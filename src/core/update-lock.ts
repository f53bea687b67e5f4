import { close, open } from "node:fs";
import { promisify } from "node:util";
import { Mutex } from "async-mutex";
import { fileWriteError } from "./atomic-file.ts";
import { type Clock, delay } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** How often the lock is asked for while an updater holds it. */
const RETRY_MS = 200;

/** flock(2). */
const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (fd: number, operation: number) => number;

/** What must not be cut in half by a package update runs inside. */
export interface UpdateLock {
  /** @throws AppError E_ABORTED when the signal fires while an updater has the lock; what `work` throws. */
  hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/**
 * An advisory lock (flock) on a file that the package's scripts take before they stop the service
 * (deploy/deb/files/prerm). The kernel lets go of it when its holder dies.
 *
 * INVARIANT: one holder in this process at a time, since a second descriptor would wait for the first.
 */
export class FileUpdateLock implements UpdateLock {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mutex = new Mutex();
  #flock: Flock | null = null;

  /** @param path e.g. `/run/asls/update.lock`; made when missing. */
  constructor(path: string, clock: Clock, log: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
  }

  hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#mutex.runExclusive(async () => {
      const flock = await this.#loadFlock();
      const fd = await promisify(open)(this.#path, "a", 0o600).catch((error: unknown) => {
        throw fileWriteError(error, this.#path);
      });
      try {
        let isWaiting = false;
        while (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
          if (!isWaiting) this.#log.info({}, "an update of the package is under way, the change waits for it");
          isWaiting = true;
          await delay(this.#clock, RETRY_MS, signal);
        }
        return await work();
      } finally {
        await promisify(close)(fd);
      }
    });
  }

  async #loadFlock(): Promise<Flock> {
    if (this.#flock === null) {
      const { default: koffi } = await import("koffi");
      this.#flock = koffi.load("libc.so.6").func("int flock(int fd, int operation)") as Flock;
    }
    return this.#flock;
  }
}
