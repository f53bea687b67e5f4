import { createServer, type Server, type Socket } from "node:net";
import type { Aedes } from "aedes";
import { Mutex } from "async-mutex";
import { AppError, systemErrorCode } from "../../core/errors.ts";

/**
 * An MQTT 3.1.1 broker inside the process, for boards and demos without one. Loopback only and without accounts:
 * whoever can run a program on the machine can use it. Retained messages live in memory.
 */
export class EmbeddedBroker implements AsyncDisposable {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  /** Opening and closing take turns: a broker closed while it opens would otherwise stay open. */
  readonly #change = new Mutex();
  #aedes: Aedes | null = null;
  #server: Server | null = null;

  /** @param port 0 takes any free one. */
  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Starts listening; a second call gives the same address.
   * @returns the broker's URL.
   * @throws AppError E_MQTT_PORT when the port is taken.
   */
  listen(): Promise<string> {
    return this.#change.runExclusive(() => this.#listen());
  }

  close(): Promise<void> {
    return this.#change.runExclusive(() => this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<string> {
    if (this.#server === null) {
      // Loaded here so that a board with a broker of its own never pays for this one.
      const { Aedes: Broker } = await import("aedes");
      this.#aedes = await Broker.createBroker();
      this.#server = await this.#openServer(this.#aedes);
    }
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new AppError("E_INTERNAL", "the broker has no port");
    return `mqtt://127.0.0.1:${address.port}`;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    const aedes = this.#aedes;
    this.#server = null;
    this.#aedes = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
    if (aedes !== null) await new Promise<void>((resolve) => aedes.close(resolve));
  }

  async #openServer(aedes: Aedes): Promise<Server> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, "127.0.0.1", resolve);
      });
      return server;
    } catch (error) {
      await this.#close();
      const reason = systemErrorCode(error) ?? "unknown reason";
      throw new AppError("E_MQTT_PORT", `the inside broker cannot listen on port ${this.#port} (${reason})`, {
        cause: error,
      });
    }
  }
}
