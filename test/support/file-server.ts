import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  /** Obeys Range; default true. */
  readonly ranges?: boolean;
  /** Sends this many bytes of a response and then nothing more, this many times; `dropConnections` ends it. */
  readonly holdAfterBytes?: number;
  readonly holds?: number;
  /** Does not say how long the file is. */
  readonly chunked?: boolean;
  readonly status?: number;
  /** Redirects here, as a model hub does, with the headers below. */
  readonly redirectTo?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A file server on 127.0.0.1 with the faults of real ones; remembers the requests. */
export class FileServer implements AsyncDisposable {
  readonly requests: { readonly path: string; readonly range: string | null; readonly authorization: string | null }[] =
    [];
  readonly #server: Server;
  readonly #files = new Map<string, ServedFile>();
  readonly #holdsLeft = new Map<string, number>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FileServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FileServer(server);
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  serve(path: string, file: ServedFile): string {
    this.#files.set(path, file);
    this.#holdsLeft.set(path, file.holds ?? Number.POSITIVE_INFINITY);
    return `${this.url}${path}`;
  }

  /** Breaks every connection, as a router that restarts does. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    const range = request.headers.range ?? null;
    this.requests.push({ path, range, authorization: request.headers.authorization ?? null });
    const file = this.#files.get(path);
    if (file === undefined) return void response.writeHead(404).end();
    const headers = { ...(file.etag ? { etag: file.etag } : {}), ...file.headers };
    if (file.redirectTo !== undefined)
      return void response.writeHead(302, { location: file.redirectTo, ...headers }).end();
    if (file.status !== undefined) return void response.writeHead(file.status, headers).end();
    const size = file.bytes.length;
    const ifRange = request.headers["if-range"];
    const isSame = ifRange === undefined || ifRange === file.etag;
    const from = range !== null && file.ranges !== false && isSame ? Number(/bytes=(\d+)-/.exec(range)?.[1]) : 0;
    if (from >= size && from > 0) return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    const contentRange = from > 0 ? { "content-range": `bytes ${from}-${size - 1}/${size}` } : {};
    response.writeHead(from > 0 ? 206 : 200, {
      ...headers,
      ...contentRange,
      ...(file.chunked ? {} : { "content-length": size - from }),
    });
    this.#send(path, file, response, from);
  }

  #send(path: string, { bytes, holdAfterBytes }: ServedFile, response: ServerResponse, from: number): void {
    const left = this.#holdsLeft.get(path) ?? 0;
    if (holdAfterBytes === undefined || left <= 0) return void response.end(bytes.subarray(from));
    this.#holdsLeft.set(path, left - 1);
    response.write(bytes.subarray(from, from + holdAfterBytes));
  }
}
