import { join } from "node:path";
import { WatchedService } from "../../../src/cli/demo/watched-service.ts";
import { delay, SystemClock } from "../../../src/core/clock.ts";
import { freePort } from "../../support/broker.ts";
import type { BoardProbe } from "../driver.ts";
import { probeBoard } from "./board-probe.ts";
import { SshConnection, type SshTarget } from "./ssh.ts";

/** A board that boots and a service that starts, both slow where the processor is emulated, ms. */
const BOOT_MS = 600_000;
const READY_MS = 600_000;
const FIRST_EVENT_MS = 120_000;
const RETRY_MS = 500;

/** asls under systemd on a board that is reached by SSH: its control socket and broker are forwarded. */
export class RemoteService implements AsyncDisposable {
  readonly ssh: SshConnection;
  readonly #socketPath: string;
  readonly #mqttPort: number;
  #watched: WatchedService;
  #pid: number;

  private constructor(ssh: SshConnection, socketPath: string, mqttPort: number, pid: number, watched: WatchedService) {
    this.ssh = ssh;
    this.#pid = pid;
    this.#socketPath = socketPath;
    this.#mqttPort = mqttPort;
    this.#watched = watched;
  }

  /**
   * Waits until the board answers and its service is ready.
   * @param folder for sockets; short, and only this connection's.
   * @param prepare what is to be done on the board before the service is awaited.
   */
  static async open(
    target: SshTarget,
    folder: string,
    prepare: (ssh: SshConnection) => Promise<void>,
  ): Promise<RemoteService> {
    const socketPath = join(folder, "control");
    const mqttPort = await freePort();
    const forwards = [
      { local: socketPath, remote: "/run/asls/asls.sock" },
      { local: `127.0.0.1:${mqttPort}`, remote: "127.0.0.1:1883" },
    ];
    const ssh = await SshConnection.open(target, join(folder, "ssh"), forwards, BOOT_MS);
    try {
      await prepare(ssh);
      const pid = await untilReady(ssh, null);
      return new RemoteService(ssh, socketPath, mqttPort, pid, await watch(socketPath));
    } catch (error) {
      await ssh[Symbol.asyncDispose]();
      throw error;
    }
  }

  get watched(): WatchedService {
    return this.#watched;
  }

  async mqtt(): Promise<BoardProbe> {
    return await probeBoard(`mqtt://127.0.0.1:${this.#mqttPort}`);
  }

  /** Waits until another process of the service is ready than the one watched so far, and watches that. */
  async reconnect(): Promise<void> {
    await this.#watched.ended;
    this.#watched[Symbol.dispose]();
    this.#pid = await untilReady(this.ssh, this.#pid);
    this.#watched = await watch(this.#socketPath);
  }

  get servicePid(): number {
    return this.#pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched[Symbol.dispose]();
    await this.ssh[Symbol.asyncDispose]();
  }
}

/** Process id of the ready service. @param before process id of a service that no longer counts. */
async function untilReady(ssh: SshConnection, before: number | null): Promise<number> {
  const clock = new SystemClock();
  const untilMs = clock.monotonicMs() + READY_MS;
  for (;;) {
    const [state, pid] = (await ssh.run("systemctl show -P ActiveState asls; systemctl show -P MainPID asls")).split(
      "\n",
    );
    if (state === "active" && Number(pid) !== before) return Number(pid);
    if (state === "failed" || clock.monotonicMs() > untilMs) {
      throw new Error(`asls is ${state}:\n${await ssh.run("journalctl -u asls --no-pager -n 40")}`);
    }
    await delay(clock, RETRY_MS);
  }
}

function watch(socketPath: string): Promise<WatchedService> {
  return WatchedService.open(socketPath, new SystemClock(), () => {}, FIRST_EVENT_MS);
}
