import { beforeEach, describe, expect, test } from "vitest";
import type { LogFields, Logger } from "../../../src/core/logger.ts";
import { RequestRouter } from "../../../src/runtime/mqtt/request-router.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { answeringHandlers } from "../../support/mqtt-handlers.ts";

const signal = new AbortController().signal;
let responses: { verb: string; body: Record<string, unknown> }[];
let logged: string[];
let router: RequestRouter;
let clock: FakeClock;

/** Keeps every line as text. */
function recordingLogger(lines: string[]): Logger {
  const add = (fields: LogFields, message: string) => lines.push(JSON.stringify(fields) + message);
  return { debug: add, info: add, warn: add, error: add, child: () => recordingLogger(lines) };
}

const never = () => new Promise<never>(() => {});
const handlers = answeringHandlers({
  say: never,
  "feedback/submit": async () => ({ outcome: "declined", reason: "no_consent" }),
});

beforeEach(() => {
  responses = [];
  logged = [];
  clock = new FakeClock();
  router = new RequestRouter(
    (verb, payload) => responses.push({ verb, body: JSON.parse(payload) as Record<string, unknown> }),
    recordingLogger(logged),
    clock,
  );
  router.handlers = handlers;
});

const send = (verb: string, body: object | string, retained = false) =>
  router.handle(
    { verb, payload: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)), retained },
    signal,
  );

test("8 requests run at a time; the ninth is E_REQUEST_BUSY and a cheap one after them too", async () => {
  for (let i = 0; i < 8; i += 1) void send("say", { text: "hello" });
  await send("say", { text: "hello", transaction: 9 });
  await send("mic/set", { muted: true });
  expect(responses.map(({ body }) => [body.code, body.transaction])).toEqual([
    ["E_REQUEST_BUSY", 9],
    ["E_REQUEST_BUSY", undefined],
  ]);
});

test("a slow request holds up no other", async () => {
  void send("say", { text: "hello" });
  await send("mic/set", { muted: false });
  expect(responses).toEqual([{ verb: "mic/set", body: { status: "ok", data: { muted: false } } }]);
});

describe("transactions", () => {
  test("one that was refused as E_REQUEST_BUSY runs when it is sent again later", async () => {
    let release = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const say = async () => {
      await blocked;
      return { outcome: "answered", latencyMs: 1 } as const;
    };
    router.handlers = { ...handlers, say };
    const running = Array.from({ length: 8 }, () => send("say", { text: "hello" }));
    await send("mic/set", { muted: true, transaction: 1 });
    release();
    await Promise.all(running);
    await send("mic/set", { muted: true, transaction: 1 });
    const answers = responses.filter(({ verb }) => verb === "mic/set");
    expect(answers.map(({ body }) => body.code ?? body.status)).toEqual(["E_REQUEST_BUSY", "ok"]);
  });

  test("the last 64 are remembered, the 65th last is run again", async () => {
    let runs = 0;
    const restart = async () => {
      runs += 1;
      return { outcome: "restarting" } as const;
    };
    router.handlers = { ...handlers, restart };
    for (let id = 0; id < 65; id += 1) {
      await send("restart", { transaction: id });
      await clock.advance(60_000);
    }
    await send("restart", { transaction: 1 });
    expect(runs).toBe(65);
    await send("restart", { transaction: 0 });
    expect(runs).toBe(66);
  });

  test("the number 1 and the text 1 are two, and so are two verbs", async () => {
    let runs = 0;
    const count = async () => {
      runs += 1;
      return { outcome: "restarting" } as const;
    };
    router.handlers = { ...handlers, restart: count };
    await send("restart", { transaction: 1 });
    await send("restart", { transaction: "1" });
    await send("mic/set", { transaction: 1, muted: true });
    expect(runs).toBe(2);
    expect(responses.at(-1)?.body.status).toBe("ok");
  });

  test("a refused request is remembered too, so that its repeat gets the same answer", async () => {
    await send("mic/set", { transaction: 1, muted: "no" });
    await send("mic/set", { transaction: 1, muted: true });
    expect(responses.map(({ body }) => body.code)).toEqual(["E_REQUEST_INVALID", "E_REQUEST_INVALID"]);
  });
});

test("a verb runs as often a minute as its row says, then E_REQUEST_RATE, and again a third of a minute later", async () => {
  const codes = () => responses.map(({ body }) => body.code ?? body.status);
  for (let i = 0; i < 4; i += 1) await send("restart", {});
  expect(codes()).toEqual(["ok", "ok", "ok", "E_REQUEST_RATE"]);
  await send("mic/set", { muted: true });
  expect(codes().at(-1)).toBe("ok");
  await clock.advance(20_000);
  await send("restart", {});
  await send("restart", {});
  expect(codes().slice(-2)).toEqual(["ok", "E_REQUEST_RATE"]);
});

test("a repeat of a known transaction is answered whatever the rate, and one refused for it may come again", async () => {
  for (let i = 0; i < 3; i += 1) await send("restart", { transaction: i });
  await send("restart", { transaction: 0 });
  await send("restart", { transaction: 3 });
  await clock.advance(60_000);
  await send("restart", { transaction: 3 });
  expect(responses.slice(-3).map(({ body }) => body.code ?? body.status)).toEqual(["ok", "E_REQUEST_RATE", "ok"]);
});

test("a handler may follow up with a second answer to the same transaction, checked like the first", async () => {
  const armed = {
    outcome: "armed",
    profile: `p_${"1".repeat(16)}`,
    confirm: null,
    expiresS: 60,
    receipt: null,
  } as const;
  router.handlers = {
    ...handlers,
    "profile/forget": async (_request, { followUp }) => {
      queueMicrotask(() => followUp({ ...armed, outcome: "forgotten" }));
      return armed;
    },
  };
  await send("profile/forget", { transaction: "t" });
  await new Promise((resolve) => setImmediate(resolve));
  const outcomes = responses.map(({ body }) => [(body.data as { outcome: string }).outcome, body.transaction]);
  expect(outcomes.toSorted()).toEqual([
    ["armed", "t"],
    ["forgotten", "t"],
  ]);
});

test("a handler that returns more than its schema allows is E_INTERNAL and nothing of it leaves", async () => {
  const leaking = async () => ({ muted: true, transcript: "SECRET" });
  router.handlers = { ...handlers, "mic/set": leaking };
  await send("mic/set", { muted: true });
  expect(responses[0]?.body).toMatchObject({ status: "error", code: "E_INTERNAL" });
  expect(JSON.stringify(responses) + logged.join()).not.toContain("SECRET");
});

test("no handlers yet: E_REQUEST_UNKNOWN", async () => {
  const early = new RequestRouter(
    (verb, payload) => responses.push({ verb, body: JSON.parse(payload) }),
    recordingLogger([]),
    clock,
  );
  await early.handle({ verb: "restart", payload: new Uint8Array(), retained: false }, signal);
  expect(responses[0]?.body.code).toBe("E_REQUEST_UNKNOWN");
});

test("retained requests and malformed verbs get no answer and one log line that does not quote them", async () => {
  await send("restart", "{}", true);
  await send("SECRET+words/with space", "{}");
  await send("a/b/c", "{}");
  await send("", "{}");
  expect(responses).toEqual([]);
  expect(logged).toHaveLength(4);
  expect(logged.join()).not.toContain("SECRET");
});
