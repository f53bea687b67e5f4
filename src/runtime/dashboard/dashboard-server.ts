import { createServer, isIPv6, type Server, type Socket } from "node:net";
import { AppError, systemErrorCode } from "../../core/errors.ts";
import type { Service } from "../../core/service.ts";
import { AccessToken } from "./access-token.ts";
import type { HttpApp } from "./http-app.ts";
import type { Metrics } from "./metrics.ts";
import type { DashboardConfig, DashboardDeps } from "./ports.ts";
import { RecentFigures } from "./recent-figures.ts";

const MAX_CONNECTIONS = 64;

/** Where the page is and what opens it; for the device's owner only. */
export interface DashboardAddress {
  /** `http://host:port/` */
  readonly url: string;
  /** The same with the token in its fragment, which no server and no proxy sees. */
  readonly signInUrl: string;
  readonly tokenFile: string;
}

/**
 * The device's own page. Listens with a bare socket: HTTP, file server and handlers are loaded when somebody connects,
 * so that a device whose page nobody opens does not carry them.
 */
export class DashboardServer implements Service {
  readonly name = "dashboard";
  readonly #config: DashboardConfig;
  readonly #tokenFile: string;
  readonly #deps: DashboardDeps;
  readonly #sockets = new Set<Socket>();
  #token: AccessToken | null = null;
  #listener: Server | null = null;
  #app: Promise<HttpApp> | null = null;
  #metrics: Metrics | null = null;
  #recent: RecentFigures | null = null;

  /** @param tokenFile made at the first start. */
  constructor(config: DashboardConfig, tokenFile: string, deps: DashboardDeps) {
    this.#config = config;
    this.#tokenFile = tokenFile;
    this.#deps = deps;
  }

  /** Null while it does not listen. */
  get address(): DashboardAddress | null {
    const address = this.#listener?.address();
    if (address == null || typeof address === "string" || this.#token === null) return null;
    const isAny = address.address === "0.0.0.0" || address.address === "::";
    const host = isAny ? "127.0.0.1" : isIPv6(address.address) ? `[${address.address}]` : address.address;
    const url = `http://${host}:${address.port}/`;
    return { url, signInUrl: `${url}#token=${this.#token.text}`, tokenFile: this.#tokenFile };
  }

  /** @throws AppError E_DASHBOARD_PORT, E_DASHBOARD_TOKEN, E_DISK_FULL, E_FILE_UNWRITABLE. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { host, port, metrics } = this.#config;
    this.#token = await AccessToken.open(this.#tokenFile);
    if (metrics) {
      const { Metrics: Collector } = await import("./metrics.ts");
      this.#metrics = new Collector(this.#deps.topics);
    }
    // Paused, so that nothing that a visitor sends is lost until there is a server to read it.
    const listener = createServer({ pauseOnConnect: true }, (socket) => void this.#welcome(socket));
    listener.maxConnections = MAX_CONNECTIONS;
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once("error", reject);
        listener.listen(port, host, resolve);
      });
    } catch (error) {
      this.#metrics?.stop();
      const reason = systemErrorCode(error) ?? "unknown reason";
      throw new AppError("E_DASHBOARD_PORT", `the dashboard cannot listen on ${host} port ${port} (${reason})`, {
        cause: error,
      });
    }
    this.#listener = listener;
    this.#recent = new RecentFigures(this.#deps.topics, this.#deps.clock);
    this.#deps.log.info({ url: this.address?.url, token_file: this.#tokenFile }, "dashboard");
  }

  async stop(): Promise<void> {
    const listener = this.#listener;
    const app = this.#app;
    this.#listener = null;
    this.#app = null;
    this.#metrics?.stop();
    this.#metrics = null;
    this.#recent?.stop();
    this.#recent = null;
    if (listener === null) return;
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    (await app?.catch(() => null))?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #welcome(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
    try {
      this.#app ??= this.#load();
      const { server } = await this.#app;
      // Node documents this for sockets that were accepted elsewhere (child_process, "sending a socket object").
      server.emit("connection", socket);
      socket.resume();
    } catch (error) {
      this.#app = null;
      this.#deps.log.error({ err: String(error) }, "the dashboard could not be loaded");
      socket.destroy();
    }
  }

  async #load(): Promise<HttpApp> {
    const { HttpApp: App } = await import("./http-app.ts");
    const token = this.#token;
    if (token === null) throw new AppError("E_INTERNAL", "the dashboard has no token");
    const metrics = this.#metrics;
    return new App({
      ...this.#deps,
      config: this.#config,
      token,
      metrics: metrics === null ? null : () => metrics.text(),
      past: () => this.#recent?.messages ?? [],
    });
  }
}
