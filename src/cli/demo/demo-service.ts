import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { type Clock, delay, withDeadline } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { boundToParent, SERVICE_ENVIRONMENT, SERVICE_NODE_OPTIONS } from "../../core/service-launch.ts";
import { isServiceListening } from "../../runtime/control/control-client.ts";
import type { ControlMethod, ControlParams } from "../../runtime/control/control-protocol.ts";
import { type SeenEvent, WatchedService } from "./watched-service.ts";

const READY_MS = 60_000;
const STOP_MS = 12_000;

/** The real service in a child process, watched over its control socket. */
export class DemoService implements AsyncDisposable {
  readonly readyMs: number;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #watched: WatchedService;

  private constructor(child: ChildProcess, watched: WatchedService, clock: Clock, readyMs: number) {
    this.#child = child;
    this.#watched = watched;
    this.#clock = clock;
    this.readyMs = readyMs;
  }

  /**
   * Starts `asls run` with these arguments and waits until it answers.
   * @param onEvent called for each event as it happens.
   * @throws AppError E_TIMEOUT, E_SERVICE_NOT_RUNNING naming the log file.
   */
  static async start(
    cliPath: string,
    args: readonly string[],
    socketPath: string,
    logPath: string,
    clock: Clock,
    onEvent: (seen: SeenEvent) => void,
  ): Promise<DemoService> {
    const startMs = clock.monotonicMs();
    const child = spawn(...boundToParent([...SERVICE_NODE_OPTIONS, cliPath, "run", ...args]), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...SERVICE_ENVIRONMENT },
    });
    const log = createWriteStream(logPath);
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    while (!(await isServiceListening(socketPath))) {
      if (child.exitCode !== null || clock.monotonicMs() - startMs > READY_MS) {
        child.kill("SIGKILL");
        throw new AppError("E_SERVICE_NOT_RUNNING", "the service did not start", { hint: `Its log is ${logPath}` });
      }
      await delay(clock, 50);
    }
    const readyMs = clock.monotonicMs() - startMs;
    return new DemoService(child, await WatchedService.open(socketPath, clock, onEvent), clock, readyMs);
  }

  /** Its control socket and events. */
  get watched(): WatchedService {
    return this.#watched;
  }

  /** Process id of the service. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new AppError("E_SERVICE_NOT_RUNNING", "the service has no process");
    return pid;
  }

  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<unknown> {
    return this.#watched.call(method, params);
  }

  /** Where in the stream of events we are; pass it to {@link next}. */
  get position(): number {
    return this.#watched.position;
  }

  /** The first event from `position` on that fits. @throws AppError E_TIMEOUT naming what was awaited. */
  next(position: number, what: string, timeoutMs: number, fits: (seen: SeenEvent) => boolean): Promise<SeenEvent> {
    return this.#watched.next(position, what, timeoutMs, fits);
  }

  /** Stops the service as systemd would; its exit code. */
  async stop(): Promise<number> {
    const ended = this.ended();
    this.#child.kill("SIGTERM");
    return ended;
  }

  /** Waits for a service that ends by itself; its exit code, 1 when a signal killed it. */
  async ended(): Promise<number> {
    this.#watched[Symbol.dispose]();
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return exitCode ?? 1;
    const exited = once(this.#child, "exit");
    const [code] = (await withDeadline(this.#clock, STOP_MS, "stopping the service", exited)) as [number | null];
    return code ?? 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched[Symbol.dispose]();
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }
}
