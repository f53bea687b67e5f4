import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";
import { AppError } from "../../core/errors.ts";
import { MAX_REQUEST_BYTES } from "../mqtt/requests.ts";
import type { Access } from "./access.ts";
import type { EventStreams } from "./event-stream.ts";
import { readBody, sendJson, sendText } from "./http-answer.ts";
import type { DashboardConfig, DashboardDeps, HealthReport } from "./ports.ts";

const HEALTH_KEPT_MS = 1_000;
const MAX_TALKS = 100;
const JSON_TYPE = "application/json; charset=utf-8";

const id = v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,64}$/i));
const words = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(500));
const tokenBody = v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) });
const factBody = v.strictObject({ statement: words, value: words });
const forgetBody = v.strictObject({ profile: id });
const digits = v.pipe(v.string(), v.regex(/^\d{1,7}$/), v.transform(Number));
const talksQuery = v.strictObject({
  from: v.optional(digits, "0"),
  limit: v.optional(v.pipe(digits, v.minValue(1), v.maxValue(MAX_TALKS)), "25"),
});

export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** A `*` at the end stands for what the handler gets as its parameter. */
  readonly path: string;
  /** Served without the token. */
  readonly isOpen?: boolean;
  readonly handle: (visit: Visit, parameter: string) => Promise<void> | void;
}

export interface RouteDeps extends DashboardDeps {
  readonly config: DashboardConfig;
  readonly access: Access;
  readonly streams: EventStreams;
  /** Prometheus text, or null when metrics are off. */
  readonly metrics: (() => Promise<string>) | null;
}

/** Everything that is no file. */
export function dashboardRoutes(deps: RouteDeps): readonly Route[] {
  return [...serviceRoutes(deps), ...sessionRoutes(deps), ...ownDataRoutes(deps)];
}

function serviceRoutes({ health, metrics, streams, request: ask, clock }: RouteDeps): Route[] {
  let kept: { readonly atMs: number; readonly report: Promise<HealthReport> } | null = null;
  return [
    {
      method: "GET",
      path: "/healthz",
      isOpen: true,
      /** 503 when a part does not answer; an alert alone is none of a load balancer's business. */
      handle: async ({ response }) => {
        const nowMs = clock.monotonicMs();
        if (kept === null || nowMs - kept.atMs > HEALTH_KEPT_MS) kept = { atMs: nowMs, report: health() };
        const { failing, alerts } = await kept.report;
        const status = failing.length > 0 ? "failing" : alerts.length > 0 ? "degraded" : "ok";
        sendJson(response, failing.length > 0 ? 503 : 200, { status, failing, alerts });
      },
    },
    {
      method: "GET",
      path: "/metrics",
      handle: async ({ response }) => {
        if (metrics === null) {
          throw new AppError("E_REQUEST_UNKNOWN", "metrics are off", { hint: "Set dashboard.metrics to true." });
        }
        sendText(response, 200, "text/plain; version=0.0.4; charset=utf-8", await metrics());
      },
    },
    {
      method: "GET",
      path: "/api/stream",
      handle: ({ response }) => {
        if (streams.isFull) {
          throw new AppError("E_REQUEST_BUSY", "too many pages are open", { hint: "Close some of them." });
        }
        streams.serve(response);
      },
    },
    {
      method: "POST",
      path: "/api/request/*",
      handle: async ({ request, response }, verb) => {
        sendText(response, 200, JSON_TYPE, await ask(verb, await readBody(request, MAX_REQUEST_BYTES)));
      },
    },
  ];
}

function sessionRoutes({ access, config, deviceId, baseTopic }: RouteDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/api/session",
      isOpen: true,
      handle: ({ request, response }) => {
        if (!access.isAllowed(request, response)) return sendJson(response, 200, { service: "asls", signed_in: false });
        access.renew(request, response);
        const broker_url = config.brokerUrl === "" ? null : config.brokerUrl;
        const session = { service: "asls", signed_in: true, device_id: deviceId, base_topic: baseTopic, broker_url };
        sendJson(response, 200, session);
      },
    },
    {
      method: "POST",
      path: "/api/session",
      isOpen: true,
      handle: async (visit) => {
        const { token } = await bodyOf(visit, tokenBody);
        access.signIn(token, visit.request, visit.response);
        sendJson(visit.response, 200, { signed_in: true });
      },
    },
    {
      method: "DELETE",
      path: "/api/session",
      isOpen: true,
      handle: ({ request, response }) => {
        access.signOut(request, response);
        sendJson(response, 200, { signed_in: false });
      },
    },
  ];
}

function ownDataRoutes({ ownData }: RouteDeps): Route[] {
  const json = (work: (visit: Visit, parameter: string) => Promise<object>): Route["handle"] => {
    return async (visit, parameter) => sendJson(visit.response, 200, await work(visit, parameter));
  };
  const key = (parameter: string) => parsed(id, parameter);
  return [
    { method: "GET", path: "/api/me", handle: json(() => ownData.summary()) },
    {
      method: "GET",
      path: "/api/me/interactions",
      handle: json(({ url }) => {
        const { from, limit } = parsed(talksQuery, Object.fromEntries(url.searchParams));
        return ownData.interactions(from, limit);
      }),
    },
    {
      method: "DELETE",
      path: "/api/me/interactions/*",
      handle: json((_, talk) => ownData.deleteInteraction(key(talk))),
    },
    {
      method: "PATCH",
      path: "/api/me/facts/*",
      handle: json(async (visit, fact) => ownData.editFact(key(fact), await bodyOf(visit, factBody))),
    },
    { method: "DELETE", path: "/api/me/facts/*", handle: json((_, fact) => ownData.deleteFact(key(fact))) },
    {
      method: "GET",
      path: "/api/me/export",
      handle: async ({ response }) => {
        const data = await ownData.export();
        response.setHeader("Content-Disposition", 'attachment; filename="asls-profile.json"');
        sendText(response, 200, JSON_TYPE, JSON.stringify(data, null, 2));
      },
    },
    {
      method: "POST",
      path: "/api/me/forget",
      handle: json(async (visit) => ownData.forget((await bodyOf(visit, forgetBody)).profile)),
    },
  ];
}

async function bodyOf<T extends v.GenericSchema>({ request }: Visit, schema: T): Promise<v.InferOutput<T>> {
  return parsed(schema, parseJson(await readBody(request, MAX_REQUEST_BYTES)));
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message quotes the text.
    throw new AppError("E_REQUEST_INVALID", "the body is not JSON in UTF-8");
  }
}

/** @throws AppError E_REQUEST_INVALID naming the field, never its value. */
function parsed<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const field = result.issues[0]?.path?.map((item) => String(item.key)).join(".") ?? "what was sent";
  const hint = "docs/dashboard.md says what this address takes.";
  throw new AppError("E_REQUEST_INVALID", `${field} is not as it should be`, { hint });
}
