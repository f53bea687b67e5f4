import { request } from "node:http";
import { silentLogger } from "../../src/core/logger.ts";
import { DashboardServer } from "../../src/runtime/dashboard/dashboard-server.ts";
import type { DashboardConfig, DashboardDeps, HealthReport, OwnData } from "../../src/runtime/dashboard/ports.ts";
import { TopicWatchers } from "../../src/runtime/mqtt/topic-watchers.ts";
import { FakeClock } from "./fake-clock.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The dashboard's server on a free port with a token of its own, and what it was asked. */
export class DashboardRig implements AsyncDisposable {
  readonly folder: TempDir;
  readonly clock = new FakeClock();
  readonly topics = new TopicWatchers();
  /** Requests of the contract that came in: verb and payload. */
  readonly requests: [verb: string, payload: string][] = [];
  /** Calls of the present user's own data. */
  readonly ownCalls: unknown[][] = [];
  health: HealthReport = { healthy: true, failing: [], alerts: [] };
  readonly config: DashboardConfig;
  readonly deps: DashboardDeps;
  readonly #server: DashboardServer;

  private constructor(folder: TempDir, change: Partial<DashboardConfig>) {
    this.folder = folder;
    this.config = {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      hostNames: "",
      tokenFile: "",
      brokerUrl: "",
      metrics: false,
      ...change,
    };
    const called = (name: keyof OwnData) => {
      return async (...args: unknown[]) => {
        this.ownCalls.push([name, ...args]);
        return { called: name };
      };
    };
    this.deps = {
      deviceId: "d1",
      baseTopic: "asls",
      topics: this.topics,
      request: async (verb, payload) => {
        this.requests.push([verb, Buffer.from(payload).toString()]);
        return '{"status":"ok","data":{}}';
      },
      health: async () => this.health,
      ownData: {
        summary: called("summary"),
        interactions: called("interactions"),
        editFact: called("editFact"),
        deleteFact: called("deleteFact"),
        deleteInteraction: called("deleteInteraction"),
        export: called("export"),
        forget: called("forget"),
      },
      clock: this.clock,
      log: silentLogger,
    };
    this.#server = new DashboardServer(this.config, folder.join("token"), this.deps);
  }

  static async start(change: Partial<DashboardConfig> = {}): Promise<DashboardRig> {
    const rig = new DashboardRig(await makeTempDir("dashboard"), change);
    await rig.#server.start(new AbortController().signal);
    return rig;
  }

  get url(): string {
    return this.#server.address?.url ?? "";
  }

  get token(): string {
    return this.#server.address?.signInUrl.split("token=")[1] ?? "";
  }

  /** A raw request: the path goes out as it is given, which `fetch` would tidy up. */
  ask(path: string, { method = "GET", body, headers = {} }: AskOptions = {}): Promise<Answer> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, path, method, agent: false, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** As a script with the token. */
  askAsOwner(path: string, options: AskOptions = {}): Promise<Answer> {
    const json = options.body === undefined ? {} : { "content-type": "application/json" };
    return this.ask(path, {
      ...options,
      headers: { ...json, authorization: `Bearer ${this.token}`, ...options.headers },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await this.folder.dispose();
  }
}
