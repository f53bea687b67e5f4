import { once } from "node:events";
import { createServer, type Server } from "node:http";
import sirv from "sirv";

/** An ordinary web server that has the page's files below a path and knows nothing of devices. */
export class StaticHost implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(folder: string, path: string): Promise<StaticHost> {
    const files = sirv(folder);
    const server = createServer((request, response) => {
      if (request.url?.startsWith(path)) request.url = request.url.slice(path.length - 1);
      files(request, response, () => {
        response.writeHead(404).end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new StaticHost(server, `http://127.0.0.1:${address.port}${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
