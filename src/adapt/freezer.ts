import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AppError, isEnoent, systemErrorCode } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Freezer } from "./ports.ts";

/** How often (each after 1 ms) the kernel is asked whether the process stands still; it is the kernel we wait for, so no Clock. */
const MAX_POLLS = 1_000;

/**
 * Freezes by SIGSTOP, which the kernel delivers to every thread at its next return to user mode. Needs no privilege
 * beyond the same user.
 */
export class SignalFreezer implements Freezer {
  adopt(_pid: number): void {}

  async freeze(pid: number): Promise<void> {
    if (!sendSignal(pid, "SIGSTOP")) return;
    await untilTrue("stopping the trainer", () => allThreadsStopped(pid));
  }

  async thaw(pid: number): Promise<void> {
    sendSignal(pid, "SIGCONT");
  }
}

/**
 * Freezes a cgroup (version 2) that holds only the trainer: unlike SIGSTOP it cannot be undone by a stray SIGCONT, and
 * it reaches grandchildren. A process that could not be moved into the group is stopped by signal.
 *
 * @see makeTrainerGroup; Linux Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze and cgroup.events
 */
export class CgroupFreezer implements Freezer {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #bySignal = new SignalFreezer();
  /** The process that is in the group; null = none. */
  #member: number | null = null;

  /** @param folder e.g. `/sys/fs/cgroup/asls.slice/asls.service/trainer`; made by the caller. */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  adopt(pid: number): void {
    this.#member = null;
    try {
      // Before the process has read its job: what it allocates from now on is charged to the group.
      writeFileSync(join(this.#folder, "cgroup.freeze"), "0", { flag: "r+" });
      writeFileSync(join(this.#folder, "cgroup.procs"), String(pid), { flag: "r+" });
      this.#member = pid;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "ESRCH") this.#logger.warn({ code }, "the trainer could not be moved into its cgroup");
    }
  }

  async freeze(pid: number): Promise<void> {
    if (this.#member !== pid) return await this.#bySignal.freeze(pid);
    await this.#write("1");
    await untilTrue("freezing the trainer", () => {
      const events = readFileSync(join(this.#folder, "cgroup.events"), "utf8");
      return /^frozen 1$/m.test(events) || /^populated 0$/m.test(events);
    });
  }

  async thaw(pid: number): Promise<void> {
    if (this.#member !== pid) return await this.#bySignal.thaw(pid);
    await this.#write("0");
  }

  async #write(state: "0" | "1"): Promise<void> {
    try {
      await writeFile(join(this.#folder, "cgroup.freeze"), state, { flag: "r+" });
    } catch (error) {
      throw new AppError("E_FILE_UNWRITABLE", `cannot freeze or thaw through ${this.#folder}`, { cause: error });
    }
  }
}

/** False when there is no such process. */
function sendSignal(pid: number, signal: "SIGSTOP" | "SIGCONT"): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}

/**
 * State letters: T stopped, t traced, Z and X dead. Synchronous: procfs answers in microseconds, the thread pool does not
 * on a machine whose cores are all busy, and that is when we freeze.
 *
 * @see proc_pid_stat(5)
 */
function allThreadsStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      return "TtZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
    });
  } catch (error) {
    if (isEnoent(error) || systemErrorCode(error) === "ESRCH") return true;
    throw error;
  }
}

async function untilTrue(what: string, check: () => boolean): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    if (check()) return;
    await setTimeout(1);
  }
  throw new AppError("E_TIMEOUT", `${what} took longer than ${MAX_POLLS} polls of 1 ms`);
}
