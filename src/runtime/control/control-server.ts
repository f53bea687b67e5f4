import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { AppError, toAppError } from "../../core/errors.ts";
import { LineReader } from "../../core/line-reader.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import { isServiceListening } from "./control-client.ts";
import {
  type ControlMethod,
  type ControlParams,
  lineTooLong,
  MAX_LINE_BYTES,
  parseRequest,
} from "./control-protocol.ts";

/** One handler a method. `emit` streams events to that caller; the signal fires when the caller hangs up. */
export type ControlHandlers = {
  readonly [M in ControlMethod]: (
    params: ControlParams<M>,
    emit: (event: string, data: unknown) => void,
    signal: AbortSignal,
  ) => Promise<unknown>;
};

/**
 * The service's local command channel: a unix socket (mode 0600) with one JSON request a connection, then a line that it
 * was taken, any number of event lines, and one result or error line. Texts pass here and nowhere else.
 */
export class ControlServer implements Service {
  readonly name = "control socket";
  readonly #path: string;
  readonly #handlers: ControlHandlers;
  readonly #log: Logger;
  readonly #connections = new Set<Socket>();
  #server: Server | null = null;

  constructor(path: string, handlers: ControlHandlers, log: Logger) {
    this.#path = path;
    this.#handlers = handlers;
    this.#log = log;
  }

  /** @throws AppError E_ALREADY_RUNNING when another service answers on that socket. */
  async start(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (await isServiceListening(this.#path)) {
      throw new AppError("E_ALREADY_RUNNING", `another asls answers on ${this.#path}`);
    }
    await rm(this.#path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(new AppError("E_FILE_UNWRITABLE", `cannot listen on ${this.#path}`, { cause: error })),
      );
      server.listen(this.#path, resolve);
    });
    await chmod(this.#path, 0o600);
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    for (const socket of this.#connections) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await rm(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    const gone = new AbortController();
    let asked = false;
    const send = (reply: object) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify({ v: 1, ...reply })}\n`);
    };
    const fail = (error: unknown) => {
      const { code, message, hint } = toAppError(error, "E_INTERNAL", "the request failed");
      if (code === "E_INTERNAL") this.#log.error({ err: String(error) }, "control request failed");
      send({ type: "error", code, message, hint });
      socket.end();
    };
    const ask = (line: string) => {
      if (asked) return;
      asked = true;
      const taken = () => send({ type: "taken" });
      this.#answer(line, taken, (event, data) => send({ type: "event", event, data }), gone.signal).then((data) => {
        send({ type: "result", data: data ?? null });
        socket.end();
      }, fail);
    };
    const reader = new LineReader(MAX_LINE_BYTES, ask, lineTooLong);
    this.#connections.add(socket);
    socket.on("data", (chunk) => {
      try {
        reader.accept(chunk);
      } catch (error) {
        fail(error);
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#connections.delete(socket);
      gone.abort();
    });
  }

  async #answer(
    line: string,
    taken: () => void,
    emit: (event: string, data: unknown) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { method, params } = parseRequest(line);
    taken();
    const handler = this.#handlers[method] as (
      params: unknown,
      emit: (event: string, data: unknown) => void,
      signal: AbortSignal,
    ) => Promise<unknown>;
    return handler(params, emit, signal);
  }
}
