import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { EmbeddedBroker } from "../../src/runtime/mqtt/embedded-broker.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

/** A broker that tests can stop and start again on the same port. */
export interface TestBroker extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** aedes in this process, through the product's own embedded broker. Retained messages do not survive `stop`. */
export class AedesTestBroker implements TestBroker {
  readonly name = "aedes";
  readonly port: number;
  readonly #broker: EmbeddedBroker;

  constructor(port: number) {
    this.port = port;
    this.#broker = new EmbeddedBroker(port);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    await this.#broker.listen();
  }

  stop(): Promise<void> {
    return this.#broker.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Debian's Mosquitto as a child, loopback, retained messages kept in a folder of its own. */
export class MosquittoTestBroker implements TestBroker {
  readonly name = "mosquitto";
  readonly port: number;
  readonly #scheme: "mqtt" | "mqtts";
  readonly #extraConfig: readonly string[];
  #folder: TempDir | null = null;
  #child: ChildProcess | null = null;

  /** @param extraConfig further lines of mosquitto.conf; default: anonymous clients allowed. */
  constructor(
    port: number,
    extraConfig: readonly string[] = ["allow_anonymous true"],
    scheme: "mqtt" | "mqtts" = "mqtt",
  ) {
    this.port = port;
    this.#extraConfig = extraConfig;
    this.#scheme = scheme;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Process id while it runs. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("mosquitto does not run");
    return pid;
  }

  async start(): Promise<void> {
    if (this.#child !== null) return;
    this.#folder ??= await makeTempDir("mosquitto");
    const config = this.#folder.join("mosquitto.conf");
    await writeFile(
      config,
      [
        `listener ${this.port} 127.0.0.1`,
        "persistence true",
        `persistence_location ${this.#folder.path}/`,
        // Started by root, Mosquitto gives up its rights unless told who to be; the folder is the tester's.
        `user ${execFileSync("id", ["-un"], { encoding: "utf8" }).trim()}`,
        ...this.#extraConfig,
        "",
      ].join("\n"),
    );
    const child = spawn(mosquittoPath() ?? "mosquitto", ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    const lines: string[] = [];
    let isRunning = false;
    let isServing = false;
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      isServing = isRunning;
      if (isServing) break;
      // Said before its main loop runs, and a SIGTERM between the two is lost (2.0.11): one connection is tried, and
      // whatever it logs about that comes from the main loop.
      isRunning = /mosquitto version .* running/.test(line);
      if (isRunning)
        connect(this.port, "127.0.0.1")
          .on("error", () => {})
          .end("no MQTT");
    }
    if (!isServing) throw new Error(`mosquitto did not start: ${lines.join("; ")}`);
    child.stderr.resume();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder?.dispose();
  }
}

/** Path of Debian's mosquitto (in /usr/sbin, which is not on every user's PATH), or null when it is not installed. */
export function mosquittoPath(): string | null {
  for (const path of ["mosquitto", "/usr/sbin/mosquitto"]) {
    try {
      execFileSync(path, ["-h"], { stdio: "ignore" });
      return path;
    } catch (error) {
      // `mosquitto -h` exits with 1 or 3: it is there. Only a missing file is a no.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) return path;
    }
  }
  return null;
}
