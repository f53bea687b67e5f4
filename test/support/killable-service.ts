import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { delay, SystemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { boundToParent, SERVICE_ENVIRONMENT, SERVICE_NODE_OPTIONS } from "../../src/core/service-launch.ts";
import { callService, isServiceListening } from "../../src/runtime/control/control-client.ts";
import type { ControlMethod, ControlParams } from "../../src/runtime/control/control-protocol.ts";
import { controlSocketPath } from "../../src/runtime/control/socket-path.ts";

const CLI = "dist/cli.js";
const READY_MS = 90_000;
const STOP_MS = 20_000;
/** How long a trainer may outlive its service: it ends with the end of its stdin. */
const ORPHAN_MS = 20_000;
const LOOK_MS = 20;

/** What a kill takes down: the service alone, as the kernel does for memory, or everything at once, as a power cut does. */
export type Blow = "service" | "power";

/** The built service on the virtual board, started to be killed. */
export class KillableService implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<number | null>;
  readonly #clock = new SystemClock();

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  }

  /**
   * Starts it; does not wait.
   * @param folder holds `state`, `run` and `log`.
   * @param nodeOptions for Node, besides those of the product.
   */
  static spawn(folder: string, settings: readonly string[], nodeOptions: readonly string[] = []): KillableService {
    const all = [`paths.stateDir=${join(folder, "state")}`, `paths.runtimeDir=${join(folder, "run")}`];
    const options = [...all, ...settings].flatMap((setting) => ["--set", setting]);
    const node = [...SERVICE_NODE_OPTIONS, ...nodeOptions];
    const child = spawn(...boundToParent([...node, CLI, "run", "--board", "virtual", ...options]), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...SERVICE_ENVIRONMENT },
    });
    const keep = (chunk: Buffer) => appendFileSync(join(folder, "log"), chunk);
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    return new KillableService(child, folder);
  }

  /** Process id. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new AppError("E_SERVICE_NOT_RUNNING", "the service has no process");
    return pid;
  }

  /** Its control socket. */
  get socketPath(): string {
    return controlSocketPath(join(this.#folder, "run"));
  }

  /** Until it answers. @throws AppError E_SERVICE_NOT_RUNNING when it ended or takes too long. */
  async ready(): Promise<void> {
    const until = this.#clock.monotonicMs() + READY_MS;
    while (!(await isServiceListening(this.socketPath))) {
      if (this.#child.exitCode !== null || this.#clock.monotonicMs() > until) {
        throw new AppError("E_SERVICE_NOT_RUNNING", `it did not start (exit code ${this.#child.exitCode})`, {
          hint: `Its log is ${join(this.#folder, "log")}`,
        });
      }
      await delay(this.#clock, LOOK_MS);
    }
  }

  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<unknown> {
    return callService(this.socketPath, method, params);
  }

  /** Calls back with each job's state as it changes, until the service is gone. */
  onJob(handler: (state: string) => void): void {
    const watching = callService(
      this.socketPath,
      "watch",
      {},
      {
        onEvent: (event, data) => {
          if (event === "job" && typeof data === "object" && data !== null && "state" in data) handler(`${data.state}`);
        },
      },
    );
    watching.catch(() => {}); // ends with the service
  }

  /** kill -9, then waits until nothing of it is left. Returns how many trainers had to be killed afterwards. */
  async kill(blow: Blow): Promise<number> {
    const trainers = childrenOf(this.#child.pid);
    if (blow === "power") for (const pid of trainers) killNow(pid);
    this.#child.kill("SIGKILL");
    await this.#exited;
    const until = this.#clock.monotonicMs() + ORPHAN_MS;
    while (trainers.some(isAlive) && this.#clock.monotonicMs() < until) await delay(this.#clock, LOOK_MS);
    const orphans = trainers.filter(isAlive);
    for (const pid of orphans) killNow(pid);
    // What lay in memory is gone after a power cut.
    if (blow === "power") rmSync(join(this.#folder, "run"), { recursive: true, force: true });
    return orphans.length;
  }

  /** Stops it as systemd would. @returns its exit code; null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill("power");
  }
}

/** Direct children of a process, from /proc. */
export function childrenOf(parent: number | undefined): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | null {
  try {
    // `pid (name) state ppid`; the name may hold blanks and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null; // it ended meanwhile
  }
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.charAt(stat.lastIndexOf(")") + 2) !== "Z";
  } catch {
    return false;
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
