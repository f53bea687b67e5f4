import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** USER_HZ of Linux: ticks per second in /proc/PID/stat. */
const TICKS_PER_S = 100;
const LISTEN_MS = 10_000;

/** Debian's Mosquitto on loopback, in a folder of the caller; keeps retained messages over a restart. */
export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  readonly #lines: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, folder: string, lines: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#lines = lines;
  }

  /** Null where it is not installed. */
  static path(): string | null {
    return ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find((path) => existsSync(path)) ?? null;
  }

  /** @param lines further lines of mosquitto.conf. */
  static async on(folder: string, lines: readonly string[] = []): Promise<Mosquitto> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === "string") throw new Error("no port is free");
    return new Mosquitto(address.port, folder, lines);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const config = join(this.#folder, "mosquitto.conf");
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      `persistence_location ${this.#folder}/`,
      // Started by root it would give up its rights, and with them its folder.
      `user ${userInfo().username}`,
      ...this.#lines,
    ];
    await writeFile(config, `${lines.join("\n")}\n`);
    this.#child = spawn(Mosquitto.path() ?? "mosquitto", ["-c", config], { stdio: "ignore" });
    for (const untilMs = performance.now() + LISTEN_MS; performance.now() < untilMs; await sleep(20)) {
      if (await listens(this.port)) return;
    }
    throw new Error("mosquitto does not listen");
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  /** Processor time that it has taken since its start, seconds. */
  async cpuS(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child?.pid}/stat`, "utf8");
    // Fields after the command's name in brackets; 14 and 15 are utime and stime (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
