import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SystemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { AslsConfig } from "../../src/runtime/config/schema.ts";
import type { RequestHandlers } from "../../src/runtime/mqtt/requests.ts";
import {
  createStatusPublisher,
  type StatusPayloads,
  type StatusPublisher,
} from "../../src/runtime/mqtt/status-publisher.ts";
import type { TestBroker } from "../support/broker.ts";
import { mqttConfig } from "../support/mqtt-config.ts";
import { answeringHandlers } from "../support/mqtt-handlers.ts";
import { MqttProbe } from "../support/mqtt-probe.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const ROOT = "asls/0123456789ab";
const INFO: StatusPayloads["info"] = {
  version: "0.1.0",
  commit: "abcdef0",
  node: "v20.20.0",
  board: "virtual",
  model: { name: "seed", quant: "Q8_0", sha256: "0".repeat(64) },
  capabilities: ["microphone", "buttons"],
  logLevel: "info",
  restartRequired: false,
  configHash: "0123456789ab",
};
const IDLE: StatusPayloads["state"] = {
  phase: "idle",
  sinceMs: Date.UTC(2026, 0, 5, 12),
  fault: null,
  micMuted: false,
  learningEnabled: true,
  profile: null,
};
/** What the status publisher promises on any broker. */
export function statusPublisherContract(
  name: string,
  makeBroker: () => Promise<TestBroker>,
  skipReason: string | null,
): void {
  describe.skipIf(skipReason !== null)(
    `status publisher on ${name}${skipReason === null ? "" : ` (${skipReason})`}`,
    () => {
      let broker: TestBroker;
      let proxy: TcpProxy;
      let config: AslsConfig["mqtt"];
      let cleanUps: (() => PromiseLike<void>)[];
      let reports: (string | null)[];
      beforeEach(async () => {
        cleanUps = [];
        reports = [];
        broker = owned(await makeBroker());
        await broker.start();
        proxy = owned(new TcpProxy(broker.port));
        config = mqttConfig({ url: `mqtt://127.0.0.1:${await proxy.listen()}`, reconnectMinMs: 100 });
      });
      afterEach(async () => {
        for (const cleanUp of cleanUps.reverse()) await cleanUp();
      });

      /** Disposed of after the test, the last made first. */
      function owned<T extends AsyncDisposable>(thing: T): T {
        cleanUps.push(() => thing[Symbol.asyncDispose]());
        return thing;
      }

      async function publisher(serve: RequestHandlers = answeringHandlers()): Promise<StatusPublisher> {
        const made = createStatusPublisher(config, "0123456789ab", {
          clock: new SystemClock(),
          log: silentLogger,
          random: () => 0,
          onConnection: (error) => reports.push(error?.code ?? null),
        });
        cleanUps.push(() => made.stop());
        made.onRequest(serve);
        made.publish("info", INFO);
        made.publish("state", IDLE);
        await made.start(new AbortController().signal);
        return made;
      }

      async function probe(filter: string | null = "#"): Promise<MqttProbe> {
        return owned(await MqttProbe.connect(broker.url, filter));
      }

      const online = (seen: MqttProbe, from = 0) =>
        seen.waitFor(({ topic, text }) => topic === `${ROOT}/availability` && text === "online", from);

      test("says online after info and state, all retained, in snake_case with ISO times", async () => {
        const watcher = await probe();
        await publisher();
        await online(watcher);
        const order = watcher.seen.filter(({ text }) => text !== "").map(({ topic }) => topic.slice(ROOT.length + 1));
        expect(order).toEqual(["info", "state", "availability"]);
        const late = await probe();
        expect(await late.json(`${ROOT}/state`)).toEqual({
          phase: "idle",
          since: "2026-01-05T12:00:00.000Z",
          fault: null,
          mic_muted: false,
          learning_enabled: true,
          profile: null,
        });
        const info = await late.json(`${ROOT}/info`);
        expect(info).toMatchObject({ schema: 1, config_hash: "0123456789ab", restart_required: false });
        expect(info.session).toMatch(/^s_[0-9a-f]{16}$/);
        expect((await online(late)).retained).toBe(true);
      });

      test("a cut cable leaves the last will; mended, the state changed meanwhile is published and no old event", async () => {
        const watcher = await probe();
        const device = await publisher();
        await online(watcher);
        const from = watcher.seen.length;
        proxy.cut();
        await watcher.waitFor(({ topic, text }) => topic === `${ROOT}/availability` && text === "offline", from);
        device.publish("state", { ...IDLE, phase: "listening" });
        device.publish("state", { ...IDLE, phase: "speaking" });
        device.event("event/button", { eventType: "press", button: "talk", atMs: 0 });
        proxy.mend();
        await online(watcher, from);
        const after = watcher.seen.slice(from);
        const states = after.filter(({ topic }) => topic === `${ROOT}/state`);
        expect(states.map(({ text }) => (JSON.parse(text) as { phase: string }).phase)).toEqual(["speaking"]);
        expect(after.some(({ topic }) => topic.includes("/event/"))).toBe(false);
        expect(device.droppedMessages).toBe(1);
      });

      test("after a broker restart every retained topic is there again", async () => {
        const device = await publisher();
        await online(await probe());
        device.alert("E_MIC_UNAVAILABLE", { sinceMs: 0 });
        await broker.stop();
        await broker.start();
        await vi.waitFor(() => expect(reports).toEqual([null, "E_MQTT_UNREACHABLE", null]), { timeout: 20_000 });
        const late = await probe();
        await online(late);
        for (const topic of ["info", "state", "alert/E_MIC_UNAVAILABLE"]) await late.json(`${ROOT}/${topic}`);
      });

      test("a clean stop publishes offline once, without a last will, and may be repeated", async () => {
        const watcher = await probe();
        const device = await publisher();
        await online(watcher);
        const from = watcher.seen.length;
        await device.stop();
        await device.stop();
        await watcher.send("marker", "1");
        await watcher.waitFor(({ topic }) => topic === "marker", from);
        expect(watcher.seen.slice(from, -1)).toMatchObject([{ topic: `${ROOT}/availability`, text: "offline" }]);
      });

      test("stopped while it still connects, it leaves offline behind and not online", async () => {
        const watcher = await probe();
        const device = await publisher();
        await watcher.json(`${ROOT}/info`);
        await device.stop();
        const late = await probe();
        await late.send("marker", "1");
        await late.waitFor(({ topic }) => topic === "marker");
        const availability = late.seen.filter(({ topic }) => topic === `${ROOT}/availability`);
        expect(availability.map(({ text }) => text)).toEqual(["offline"]);
      });

      test("alerts are retained while they stand, deleted when solved, and those of an earlier run are cleared", async () => {
        const before = await probe();
        await before.send(`${ROOT}/alert/E_DISK_FULL`, "{}", true);
        const device = await publisher();
        await online(before);
        device.alert("E_MIC_LOST", { sinceMs: 0 });
        device.alert("E_MQTT_UNREACHABLE", { sinceMs: 0 });
        device.alert("E_MIC_UNAVAILABLE", { sinceMs: 0 });
        expect(await before.json(`${ROOT}/alert/E_MIC_UNAVAILABLE`)).toEqual({
          code: "E_MIC_UNAVAILABLE",
          since: "1970-01-01T00:00:00.000Z",
          message: "Mic unavailable",
          hint: expect.stringContaining("."),
        });
        const from = before.seen.length;
        device.alert("E_MIC_LOST", null);
        await before.waitFor(({ topic, text }) => topic.endsWith("E_MIC_LOST") && text === "", from);
        const late = await probe();
        await online(late);
        await late.json(`${ROOT}/alert/E_MIC_UNAVAILABLE`);
        const standing = late.seen.filter(({ topic }) => topic.includes("/alert/")).map(({ topic }) => topic);
        expect(standing).toEqual([`${ROOT}/alert/E_MIC_UNAVAILABLE`]);
      });

      test("each request is answered with its data, a default filled in, and the transaction echoed", async () => {
        const watcher = await probe();
        await publisher();
        await online(watcher);
        expect(await watcher.request(ROOT, "say", '{"text":"turn on the lights","transaction":7}')).toEqual({
          status: "ok",
          data: { outcome: "answered", latency_ms: 120 },
          transaction: 7,
        });
        expect(await watcher.request(ROOT, "consent/revoke", "")).toEqual({
          status: "ok",
          data: { revoked: ["store", "train", "telemetry"] },
        });
        expect(await watcher.request(ROOT, "mic/set", '{"muted":true}')).toEqual({
          status: "ok",
          data: { muted: true },
        });
      });

      test("bad requests get coded errors that quote nothing, and the next good one still works", async () => {
        const watcher = await probe();
        await publisher(
          answeringHandlers({
            say: () => Promise.reject(new AppError("E_TIMEOUT", "SECRET in a message")),
            restart: () => Promise.reject(new TypeError("SECRET in a defect")),
          }),
        );
        await online(watcher);
        const cases: [string, string | Buffer, string, string | null][] = [
          ["mic/set", "{", "E_REQUEST_INVALID", null],
          ["mic/set", '"SECRET"', "E_REQUEST_INVALID", null],
          ["mic/set", "[]", "E_REQUEST_INVALID", null],
          ["mic/set", Buffer.from([0xff, 0xfe, 0x00]), "E_REQUEST_INVALID", null],
          ["mic/set", '{"muted":"SECRET"}', "E_REQUEST_INVALID", "muted"],
          ["mic/set", '{"muted":true,"SECRET":1}', "E_REQUEST_INVALID", null],
          ["mic/set", '{"muted":true,"secret_name":1}', "E_REQUEST_INVALID", null],
          ["mic/set", '{"muted":true,"transaction":"not an id, SECRET"}', "E_REQUEST_INVALID", null],
          ["say", '{"text":" "}', "E_REQUEST_INVALID", "text"],
          ["say", JSON.stringify({ text: "x".repeat(2_001) }), "E_REQUEST_INVALID", "text"],
          ["say", JSON.stringify({ text: "x".repeat(1024 * 1024) }), "E_REQUEST_TOO_LARGE", null],
          ["say", '{"text":"SECRET"}', "E_TIMEOUT", null],
          ["restart", "{}", "E_INTERNAL", null],
          ["profile/forget", '{"confirm":"SECRET"}', "E_REQUEST_INVALID", "confirm"],
          ["training", "{}", "E_REQUEST_UNKNOWN", null],
          ["constructor", "{}", "E_REQUEST_UNKNOWN", null],
        ];
        for (const [verb, payload, code, field] of cases) {
          expect(await watcher.request(ROOT, verb, payload), `${verb} ${code}`).toMatchObject({
            status: "error",
            code,
            field,
          });
        }
        expect(await watcher.request(ROOT, "health_check", "{}")).toMatchObject({ status: "ok" });
        const fromDevice = watcher.seen.filter(({ topic }) => !topic.includes("/request/"));
        expect(fromDevice.filter(({ text, topic }) => /secret/i.test(text + topic))).toEqual([]);
      });

      test("a repeated transaction runs once and gets the first response again, also while it still runs", async () => {
        let calls = 0;
        const watcher = await probe();
        await publisher(
          answeringHandlers({ "mic/set": async ({ muted }) => ({ muted: ++calls === 1 ? muted : !muted }) }),
        );
        await online(watcher);
        const payload = '{"muted":true,"transaction":"t-1"}';
        const from = watcher.seen.length;
        await Promise.all([1, 2, 3].map(() => watcher.send(`${ROOT}/request/mic/set`, payload)));
        await watcher.request(ROOT, "health_check", "");
        const responses = watcher.seen.slice(from).filter(({ topic }) => topic === `${ROOT}/response/mic/set`);
        expect(responses.map(({ text }) => text)).toEqual(
          Array(3).fill('{"status":"ok","data":{"muted":true},"transaction":"t-1"}'),
        );
        expect(calls).toBe(1);
      });

      test("delivered twice and out of order, each transaction runs once and each delivery is answered", async () => {
        const runs: string[] = [];
        const watcher = await probe();
        await publisher(
          answeringHandlers({
            "power/set_mode": async ({ mode }) => {
              runs.push(mode);
              return { mode };
            },
          }),
        );
        await online(watcher);
        const from = watcher.seen.length;
        for (const [mode, transaction] of [
          ["quiet", 2],
          ["auto", 1],
          ["quiet", 2],
          ["performance", 3],
          ["auto", 1],
        ]) {
          await watcher.send(`${ROOT}/request/power/set_mode`, JSON.stringify({ mode, transaction }));
        }
        const answers = () =>
          watcher.seen
            .slice(from)
            .filter(({ topic }) => topic === `${ROOT}/response/power/set_mode`)
            .map(({ text }) => (JSON.parse(text) as { transaction: number }).transaction);
        await watcher.waitFor(() => answers().length === 5, from);
        await watcher.request(ROOT, "health_check", "");
        expect(runs).toEqual(["quiet", "auto", "performance"]);
        // Requests run side by side: only the number of answers to each is promised.
        expect(answers().sort()).toEqual([1, 1, 2, 2, 3]);
      });

      test("2,000 requests as fast as they go: at most eight run, every one is answered by a code or counted, and then it serves as before", async () => {
        let most = 0;
        let running = 0;
        const watcher = await probe(`${ROOT}/response/#`);
        const device = await publisher(
          answeringHandlers({
            say: async () => {
              running += 1;
              most = Math.max(most, running);
              await new Promise((resolve) => setImmediate(resolve));
              running -= 1;
              return { outcome: "answered", latencyMs: 1 };
            },
          }),
        );
        await vi.waitFor(() => expect(reports).toEqual([null]), { timeout: 20_000 });
        const big = "x".repeat(100_000);
        const flood = await probe(null);
        for (let sent = 0; sent < 2_000; sent += 500) {
          await Promise.all(
            Array.from({ length: 500 }, (_, i) =>
              flood.send(
                `${ROOT}/request/say`,
                i === 0 ? big : i % 10 === 0 ? "{" : JSON.stringify({ text: "hello", transaction: sent + i }),
              ),
            ),
          );
        }
        const answers = () => watcher.seen.filter(({ topic }) => topic.endsWith("/say"));
        await vi.waitFor(() => expect(answers().length + device.droppedMessages).toBe(2_000), {
          timeout: 60_000,
          interval: 100,
        });
        expect(await watcher.request(ROOT, "health_check", '{"transaction":"last"}')).toMatchObject({ status: "ok" });
        const codes = new Set(answers().map(({ text }) => (JSON.parse(text) as { code?: string }).code ?? "ok"));
        const known = ["ok", "E_REQUEST_BUSY", "E_REQUEST_RATE", "E_REQUEST_INVALID", "E_REQUEST_TOO_LARGE"];
        expect([...codes].filter((code) => !known.includes(code))).toEqual([]);
        expect(codes).toContain("E_REQUEST_RATE");
        expect(most).toBeLessThanOrEqual(8);
        expect(device.isConnected).toBe(true);
      });

      test("a retained request, sent before the device was there, is not run", async () => {
        let restarts = 0;
        const watcher = await probe();
        await watcher.send(`${ROOT}/request/restart`, "{}", true);
        await publisher(answeringHandlers({ restart: async () => ({ outcome: "restarting", n: ++restarts }) }));
        await online(watcher);
        await watcher.request(ROOT, "health_check", "");
        expect(restarts).toBe(0);
        expect(watcher.seen.some(({ topic }) => topic === `${ROOT}/response/restart`)).toBe(false);
      });

      test("starts without a broker and connects when it comes", async () => {
        await broker.stop();
        const device = await publisher();
        expect(device.isConnected).toBe(false);
        await broker.start();
        const watcher = await probe();
        await online(watcher);
        expect(device.isConnected).toBe(true);
      });
    },
  );
}
