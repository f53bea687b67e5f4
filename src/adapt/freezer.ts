import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AppError, isEnoent, systemErrorCode } from "../core/errors.ts";
import type { Freezer } from "./ports.ts";

/** How often (each after 1 ms) the kernel is asked whether the process stands still; it is the kernel we wait for, so no Clock. */
const MAX_POLLS = 1_000;

/**
 * Freezes by SIGSTOP, which the kernel delivers to every thread at its next return to user mode. Needs no privilege
 * beyond the same user.
 */
export class SignalFreezer implements Freezer {
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
 * it reaches grandchildren. The folder must be delegated to the service's user (systemd: `Delegate=yes`).
 *
 * @see Linux Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze and cgroup.events
 */
export class CgroupFreezer implements Freezer {
  readonly #folder: string;

  /** @param folder e.g. `/sys/fs/cgroup/system.slice/asls.service/trainer`; made by the caller. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async freeze(pid: number): Promise<void> {
    try {
      await writeFile(join(this.#folder, "cgroup.procs"), String(pid));
      await writeFile(join(this.#folder, "cgroup.freeze"), "1");
    } catch (error) {
      if (systemErrorCode(error) === "ESRCH") return;
      throw new AppError("E_FILE_UNWRITABLE", `cannot freeze through ${this.#folder}`, { cause: error });
    }
    await untilTrue("freezing the trainer", async () =>
      /^frozen 1$/m.test(await readFile(join(this.#folder, "cgroup.events"), "utf8")),
    );
  }

  async thaw(_pid: number): Promise<void> {
    try {
      await writeFile(join(this.#folder, "cgroup.freeze"), "0");
    } catch (error) {
      throw new AppError("E_FILE_UNWRITABLE", `cannot thaw through ${this.#folder}`, { cause: error });
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

async function untilTrue(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    if (await check()) return;
    await setTimeout(1);
  }
  throw new AppError("E_TIMEOUT", `${what} took longer than ${MAX_POLLS} polls of 1 ms`);
}
