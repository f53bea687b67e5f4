import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP relay to a loopback port that can be cut like a network cable and mended again. */
export class TcpProxy implements AsyncDisposable {
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #isCut = false;
  /** Connections accepted since the start. */
  connections = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  /** The port to connect to. */
  async listen(): Promise<number> {
    this.#server = createServer((near) => this.#relay(near)).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  /** Breaks every connection without a goodbye and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  #relay(near: Socket): void {
    this.connections += 1;
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(this.#targetPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
