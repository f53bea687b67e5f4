import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { AccessToken } from "../../../src/runtime/dashboard/access-token.ts";
import { HttpApp } from "../../../src/runtime/dashboard/http-app.ts";
import { type AskOptions, DashboardRig } from "../../support/dashboard-rig.ts";

const JSON_TYPE = { "content-type": "application/json" };
const PRIVATE = ["/api/stream", "/api/me", "/api/me/interactions", "/api/me/export", "/metrics"];

/** As our own page sends it. */
function ownPage(rig: DashboardRig, body: object, headers: AskOptions["headers"] = {}): AskOptions {
  return {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...JSON_TYPE, origin: rig.url.slice(0, -1), "sec-fetch-site": "same-origin", ...headers },
  };
}

async function signedIn(rig: DashboardRig): Promise<string> {
  const { status, headers } = await rig.ask("/api/session", ownPage(rig, { token: rig.token }));
  expect(status).toBe(200);
  return String(headers["set-cookie"]);
}

describe("the token", () => {
  test("is made at the first start, readable by its owner only, and kept", async () => {
    await using rig = await DashboardRig.start();
    const path = rig.folder.join("token");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(rig.token).toMatch(/^[\w-]{43}$/);
    expect((await readFile(path, "utf8")).trim()).toBe(rig.token);
  });

  test("a file without a token is refused with its code", async () => {
    await using rig = await DashboardRig.start();
    const path = rig.folder.join("token");
    await writeFile(path, "short\n");
    await expect(AccessToken.open(path)).rejects.toSatisfy((error) => isAppError(error, "E_DASHBOARD_TOKEN"));
  });

  test.each(PRIVATE)("%s is closed without it, and with a wrong one", async (path) => {
    await using rig = await DashboardRig.start({ metrics: true });
    expect((await rig.ask(path)).status).toBe(401);
    expect((await rig.ask(path, { headers: { authorization: `Bearer ${"x".repeat(43)}` } })).status).toBe(401);
    expect((await rig.ask(path, { headers: { cookie: `asls_${new URL(rig.url).port}=1.x` } })).status).toBe(401);
    expect(rig.ownCalls).toEqual([]);
  });

  test("buys a cookie that scripts of a page cannot read and other sites do not send", async () => {
    await using rig = await DashboardRig.start();
    const cookie = await signedIn(rig);
    expect(cookie).toContain("; HttpOnly; SameSite=Strict;");
    expect(cookie).not.toContain(rig.token);
    const [pair = ""] = cookie.split(";");
    const { status, text } = await rig.ask("/api/me", { headers: { cookie: `other=1; ${pair}` } });
    expect([status, text]).toEqual([200, '{"called":"summary"}']);
  });

  test("without it nothing is told of the device but that it is one", async () => {
    await using rig = await DashboardRig.start({ brokerUrl: "wss://broker.example:8884" });
    expect(JSON.parse((await rig.ask("/api/session")).text)).toEqual({ service: "asls", signed_in: false });
    expect(JSON.parse((await rig.askAsOwner("/api/session")).text)).toEqual({
      service: "asls",
      signed_in: true,
      device_id: "d1",
      base_topic: "asls",
      broker_url: "wss://broker.example:8884",
    });
  });

  test("after ten wrong ones even the right one has to wait a minute; sessions go on", async () => {
    await using rig = await DashboardRig.start();
    const cookie = (await signedIn(rig)).split(";")[0] ?? "";
    for (let i = 0; i < 10; i += 1) {
      expect((await rig.ask("/api/session", ownPage(rig, { token: "wrong" }))).status).toBe(401);
    }
    const refused = await rig.ask("/api/session", ownPage(rig, { token: rig.token }));
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "60"]);
    expect(JSON.parse(refused.text).code).toBe("E_ACCESS_LIMITED");
    expect((await rig.ask("/api/me", { headers: { cookie } })).status).toBe(200);
    await rig.clock.advance(60_000);
    expect((await rig.ask("/api/session", ownPage(rig, { token: rig.token }))).status).toBe(200);
  });

  test("signing out takes the cookie away", async () => {
    await using rig = await DashboardRig.start();
    const { headers } = await rig.ask("/api/session", { ...ownPage(rig, {}), method: "DELETE" });
    expect(String(headers["set-cookie"])).toContain("Max-Age=0");
  });
});

describe("other sites", () => {
  test("a request with our cookie from another origin changes nothing", async () => {
    await using rig = await DashboardRig.start();
    const cookie = (await signedIn(rig)).split(";")[0] ?? "";
    const foreign = [{ origin: "http://evil.example" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }];
    for (const headers of foreign) {
      const { status } = await rig.ask("/api/request/restart", ownPage(rig, {}, { cookie, ...headers }));
      expect(status).toBe(403);
    }
    const { origin: _, ...silent } = ownPage(rig, {}, { cookie }).headers ?? {};
    const options = { method: "POST", body: "{}", headers: { ...silent, "sec-fetch-site": "none" } };
    expect((await rig.ask("/api/request/restart", options)).status).toBe(403);
    expect(rig.requests).toEqual([]);
  });

  test("a name that is not ours is refused, for the page, too (DNS rebinding)", async () => {
    await using rig = await DashboardRig.start({ hostNames: "kitchen.example, other.example" });
    for (const path of ["/", "/api/session", "/healthz"]) {
      expect((await rig.ask(path, { headers: { host: "evil.example" } })).status).toBe(403);
      expect((await rig.ask(path, { headers: { host: "kitchen.example:80" } })).status).toBe(200);
    }
  });
});

describe("what is served", () => {
  test("the page, with headers that let nothing else in", async () => {
    await using rig = await DashboardRig.start();
    const { status, headers, text } = await rig.ask("/");
    expect(status).toBe(200);
    expect(text).toContain('<script type="module" src="app.js">');
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
    });
  });

  test("the page may talk to the configured broker, and to no other", async () => {
    await using rig = await DashboardRig.start({ brokerUrl: "wss://broker.example:8884/mqtt" });
    const policy = String((await rig.ask("/")).headers["content-security-policy"]);
    expect(policy).toContain("connect-src 'self' wss://broker.example:8884;");
  });

  test("compressed, and not again when it has not changed", async () => {
    await using rig = await DashboardRig.start();
    const first = await rig.ask("/app.js", { headers: { "accept-encoding": "gzip" } });
    expect(first.headers["content-encoding"]).toBe("gzip");
    const etag = String(first.headers.etag);
    expect((await rig.ask("/app.js", { headers: { "accept-encoding": "gzip", "if-none-match": etag } })).status).toBe(
      304,
    );
  });

  test.each([
    "/../package.json",
    "/..%2f..%2fpackage.json",
    "/%2e%2e/%2e%2e/package.json",
    "/vendor/../../cli.js",
    "/....//....//package.json",
    "/..\\..\\package.json",
    "/%00",
    "/app.js/../../cli.js",
  ])("nothing outside of the page's folder: %s", async (path) => {
    await using rig = await DashboardRig.start();
    const { status, text } = await rig.ask(path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('asls"');
  });

  test.each(["//evil.example/", "http://evil.example/"])(
    "a target that names a host is malformed: %s",
    async (path) => {
      await using rig = await DashboardRig.start();
      expect((await rig.ask(path)).status).toBe(400);
    },
  );

  test.each([
    ["POST", "/", "GET, HEAD"],
    ["PUT", "/app.js", "GET, HEAD"],
    ["DELETE", "/healthz", "GET"],
    ["GET", "/api/request/mic/set", "POST"],
    ["PUT", "/api/session", "GET, POST, DELETE"],
    ["TRACE", "/api/me", "GET"],
  ])("%s %s is not allowed", async (method, path, allowed) => {
    await using rig = await DashboardRig.start();
    const { status, headers } = await rig.askAsOwner(path, { method });
    expect([status, headers.allow]).toEqual([405, allowed]);
  });

  test("an unknown address of the API is told as such", async () => {
    await using rig = await DashboardRig.start();
    const { status, text } = await rig.askAsOwner("/api/nothing");
    expect([status, JSON.parse(text).code]).toEqual([404, "E_REQUEST_UNKNOWN"]);
  });
});

describe("bodies", () => {
  test("a request of the contract is handed over as it came", async () => {
    await using rig = await DashboardRig.start();
    const { text } = await rig.askAsOwner("/api/request/mic/set", { method: "POST", body: '{"muted":true}' });
    expect(JSON.parse(text)).toEqual({ status: "ok", data: {} });
    expect(rig.requests).toEqual([["mic/set", '{"muted":true}']]);
  });

  test("more than 16 KiB are refused, whether announced or not", async () => {
    await using rig = await DashboardRig.start();
    const body = Buffer.alloc(16 * 1024 + 1, " ");
    const announced = await rig.askAsOwner("/api/request/say", { method: "POST", body });
    const chunked = await rig.askAsOwner("/api/request/say", {
      method: "POST",
      body,
      headers: { "transfer-encoding": "chunked" },
    });
    for (const { status, text } of [announced, chunked]) {
      expect([status, JSON.parse(text).code]).toEqual([413, "E_REQUEST_TOO_LARGE"]);
    }
    expect(rig.requests).toEqual([]);
  });

  test.each([
    ["no JSON", "{", JSON_TYPE],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), JSON_TYPE],
    ["a list", "[]", JSON_TYPE],
    ["a further field", '{"statement":"a","value":"b","id":"c"}', JSON_TYPE],
    ["an empty field", '{"statement":" ","value":"b"}', JSON_TYPE],
    ["a form", "statement=a", { "content-type": "application/x-www-form-urlencoded" }],
    ["plain text, which a form of another site can send", "{}", { "content-type": "text/plain" }],
  ])("%s is refused without being quoted", async (_, body, headers) => {
    await using rig = await DashboardRig.start();
    const { status, text } = await rig.askAsOwner("/api/me/facts/f_1", { method: "PATCH", body, headers });
    expect([status, JSON.parse(text).code]).toEqual([400, "E_REQUEST_INVALID"]);
    expect(rig.ownCalls).toEqual([]);
  });

  test("own data: every address does one thing", async () => {
    await using rig = await DashboardRig.start();
    const fact = { statement: "The user's name is Sam.", value: "Sam" };
    const calls: [string, string, object | undefined][] = [
      ["GET", "/api/me/interactions?from=25&limit=10", undefined],
      ["PATCH", "/api/me/facts/f_1", fact],
      ["DELETE", "/api/me/facts/f_1", undefined],
      ["DELETE", "/api/me/interactions/i_1", undefined],
      ["POST", "/api/me/forget", { profile: "p_1" }],
    ];
    for (const [method, path, body] of calls) {
      const options = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      expect((await rig.askAsOwner(path, options)).status).toBe(200);
    }
    const { headers } = await rig.askAsOwner("/api/me/export");
    expect(headers["content-disposition"]).toBe('attachment; filename="asls-profile.json"');
    expect(rig.ownCalls).toEqual([
      ["interactions", 25, 10],
      ["editFact", "f_1", fact],
      ["deleteFact", "f_1"],
      ["deleteInteraction", "i_1"],
      ["forget", "p_1"],
      ["export"],
    ]);
  });

  test.each(["from=-1", "from=x", "limit=0", "limit=101", "from=1&from=2&more=1"])(
    "a page that cannot be is refused: %s",
    async (query) => {
      await using rig = await DashboardRig.start();
      expect((await rig.askAsOwner(`/api/me/interactions?${query}`)).status).toBe(400);
    },
  );

  test("ids with anything else in them are refused", async () => {
    await using rig = await DashboardRig.start();
    for (const id of ["a%20b", "..", "a/b", "%2e%2e", "x".repeat(65)]) {
      const { status } = await rig.askAsOwner(`/api/me/facts/${id}`, { method: "DELETE" });
      expect(status).toBeGreaterThanOrEqual(400);
    }
    expect(rig.ownCalls).toEqual([]);
  });
});

describe("health", () => {
  test.each([
    [{ healthy: true, failing: [], alerts: [] }, 200, "ok"],
    [{ healthy: false, failing: [], alerts: ["E_MIC_LOST"] }, 200, "degraded"],
    [{ healthy: false, failing: ["database"], alerts: [] }, 503, "failing"],
  ])("%j is %i %s, without a token", async (report, status, word) => {
    await using rig = await DashboardRig.start();
    rig.health = report;
    const answer = await rig.ask("/healthz");
    expect([answer.status, JSON.parse(answer.text).status]).toEqual([status, word]);
  });
});

test("a taken port is an error with its code", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  await expect(DashboardRig.start({ port })).rejects.toSatisfy((error) => isAppError(error, "E_DASHBOARD_PORT"));
  other.close();
});

test("a visitor who never ends a request is answered 408 and cut off", async () => {
  await using rig = await DashboardRig.start();
  const patience = { headersTimeout: 50, requestTimeout: 100, connectionsCheckingInterval: 20 };
  const token = new AccessToken("t".repeat(43));
  const app = new HttpApp({ ...rig.deps, config: rig.config, token, metrics: null, past: () => [], patience });
  // As the dashboard does: the sockets come from outside.
  const listener = createServer((socket) => app.server.emit("connection", socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString();
  });
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n");
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  app.close();
  listener.close();
});
