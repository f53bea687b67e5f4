import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import sirv from "sirv";
import { packageRoot } from "../../core/built-file.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { Access } from "./access.ts";
import type { AccessToken } from "./access-token.ts";
import { EventStreams } from "./event-stream.ts";
import { sendError, sendText, setSecurityHeaders } from "./http-answer.ts";
import type { DashboardConfig, DashboardDeps } from "./ports.ts";
import type { PastMessage } from "./recent-figures.ts";
import { isOwnHost, isSameOrigin } from "./request-guard.ts";
import { dashboardRoutes, type Route } from "./routes.ts";

/** Where deploy/build-dashboard.mjs leaves the page. */
const PAGE_FOLDER = `${packageRoot}dist/dashboard`;
/** What a visitor may take to send something; a slower one is answered 408. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 5_000 };

export interface HttpAppDeps extends DashboardDeps {
  readonly config: DashboardConfig;
  readonly token: AccessToken;
  /** Prometheus text, or null when metrics are off. */
  readonly metrics: (() => Promise<string>) | null;
  readonly past: () => readonly PastMessage[];
  /** Node's `headersTimeout`, `requestTimeout` and how often they are looked at, ms; for tests. */
  readonly patience?: typeof PATIENCE;
}

/** The page and its API over plain HTTP. Its server does not listen: it is given connections. */
export class HttpApp {
  readonly server: Server;
  readonly #deps: HttpAppDeps;
  readonly #access: Access;
  readonly #streams: EventStreams;
  readonly #brokerOrigin: string | null;
  readonly #hostNames: readonly string[];
  readonly #routes: readonly Route[];
  readonly #files: ReturnType<typeof sirv>;

  constructor(deps: HttpAppDeps) {
    const { config, token, clock, log, topics } = deps;
    this.#deps = deps;
    this.#access = new Access(token, clock, log);
    this.#streams = new EventStreams(topics, deps.past, clock);
    this.#brokerOrigin = config.brokerUrl === "" ? null : new URL(config.brokerUrl).origin;
    this.#hostNames = ownNames(config.hostNames);
    this.#routes = dashboardRoutes({ ...deps, access: this.#access, streams: this.#streams });
    const setHeaders = (response: ServerResponse) => {
      response.setHeader("Cache-Control", "no-cache");
    };
    this.#files = sirv(PAGE_FOLDER, { etag: true, gzip: true, setHeaders });
    this.server = createServer(deps.patience ?? PATIENCE, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!isAppError(error)) log.error({ err: error instanceof Error ? error.name : "?" }, "a visit failed");
        sendError(response, error);
      });
    });
    // Node starts the clock of these limits when a server listens; this one is given its connections.
    this.server.emit("listening");
  }

  /** Ends every connection. */
  close(): void {
    // As `listening` below: Node ends its clock in `close`, which a server that does not listen refuses.
    this.server.close(() => {});
    this.#streams.close();
    this.server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response, this.#brokerOrigin);
    if (!isOwnHost(request.headers.host, this.#hostNames)) {
      throw new AppError("E_ACCESS_FOREIGN", "this is no name of this device");
    }
    const url = targetOf(request);
    const routes = this.#routes.filter((route) => parameterOf(route, url.pathname) !== null);
    if (routes.length === 0) return this.#serveFile(request, response, url.pathname);
    const route = routes.find(({ method }) => method === request.method);
    if (route === undefined) return refuseMethod(response, routes.map(({ method }) => method).join(", "));
    this.#admit(route, request, response);
    await route.handle({ request, response, url }, parameterOf(route, url.pathname) ?? "");
  }

  /** @throws AppError E_ACCESS_FOREIGN, E_ACCESS_DENIED, E_ACCESS_LIMITED. */
  #admit(route: Route, request: IncomingMessage, response: ServerResponse): void {
    const { host, origin, authorization, "sec-fetch-site": site } = request.headers;
    const fetchSite = Array.isArray(site) ? site[0] : site;
    // No browser sends a token by itself: with one in the header, the request is nobody else's page's.
    if (authorization === undefined && !isSameOrigin({ method: route.method, host, origin, fetchSite })) {
      this.#deps.log.warn({ method: route.method }, "refused a request of another site");
      throw new AppError("E_ACCESS_FOREIGN", "the request comes from another site");
    }
    if (route.isOpen !== true && !this.#access.isAllowed(request, response)) {
      throw new AppError("E_ACCESS_DENIED", "the token is missing or wrong");
    }
  }

  #serveFile(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (path.startsWith("/api/")) {
      throw new AppError("E_REQUEST_UNKNOWN", "there is no such address", { hint: "docs/dashboard.md lists them." });
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      refuseMethod(response, "GET, HEAD");
      return;
    }
    this.#files(request, response, () =>
      sendText(response, 404, "text/plain; charset=utf-8", "There is no such page."),
    );
  }
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  sendText(response, 405, "text/plain; charset=utf-8", "This method is not served here.");
}

/** What the `*` stands for, "" for a path without one; null when the path is another one. */
function parameterOf({ path }: Route, asked: string): string | null {
  if (!path.endsWith("*")) return asked === path ? "" : null;
  const head = path.slice(0, -1);
  return asked.startsWith(head) && asked.length > head.length ? asked.slice(head.length) : null;
}

/** @throws AppError E_REQUEST_INVALID. */
function targetOf({ url = "/" }: IncomingMessage): URL {
  // `//host/` and `http://host/` would name a host of their own.
  if (!url.startsWith("/") || url.startsWith("//") || !URL.canParse(url, "http://asls")) {
    throw new AppError("E_REQUEST_INVALID", "the address is malformed");
  }
  return new URL(url, "http://asls");
}

function ownNames(configured: string): readonly string[] {
  const machine = hostname().toLowerCase();
  const further = configured
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  return [machine, `${machine}.local`, ...further.filter((name) => name !== "")];
}
