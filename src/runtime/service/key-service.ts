import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { KeyRotation, SealedFileKeeper } from "../../profile/key-rotation.ts";

/** Goes on with a replacement of keys that an earlier process did not finish, beside everything else. */
export class KeyService implements Service {
  readonly name = "keys";
  readonly #keys: KeyRotation;
  readonly #keeper: SealedFileKeeper;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(keys: KeyRotation, keeper: SealedFileKeeper, log: Logger) {
    this.#keys = keys;
    this.#keeper = keeper;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#running = this.#keys
      .resume([this.#keeper], this.#stopping.signal)
      .catch((error: unknown) => this.#log.error({ err: String(error) }, "replacing keys could not go on"));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}
