import { readdir, readFile } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { systemErrorCode } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { Alerts } from "./alerts.ts";

/** How often it is looked, ms. */
const CHECK_MS = 60_000;
/** Share of the limit that is too many. */
const TOO_MANY = 0.9;

/** Raises E_TOO_MANY_FILES while the process has no or hardly any file descriptor left: new callers are turned away then. */
export class DescriptorWatch implements Service {
  readonly name = "descriptor watch";
  readonly #deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger };
  #isShort = false;
  #isStopped = true;
  #cancel = () => {};

  constructor(deps: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#isStopped = false;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#deps.clock.after(CHECK_MS, () => {
      this.#look()
        .catch((error: unknown) => this.#deps.log.error({ err: String(error) }, "open files were not counted"))
        .finally(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { alerts, log } = this.#deps;
    const isShort = await isRunningOut();
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    if (isShort) {
      log.error({ code: "E_TOO_MANY_FILES" }, "hardly any file descriptor is left");
      alerts.raise("E_TOO_MANY_FILES", "hardly any file descriptor is left");
    } else {
      log.info({}, "there are file descriptors again");
      alerts.clear("E_TOO_MANY_FILES");
    }
  }
}

async function isRunningOut(): Promise<boolean> {
  try {
    const open = await readdir("/proc/self/fd");
    const [, limit] = /^Max open files\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8")) ?? [];
    return limit !== undefined && open.length > Number(limit) * TOO_MANY;
  } catch (error) {
    const code = systemErrorCode(error);
    // Counting takes one as well: that there is none left is the answer.
    if (code === "EMFILE" || code === "ENFILE") return true;
    throw error;
  }
}
