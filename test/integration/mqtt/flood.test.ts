import { expect, test, vi } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { createStatusPublisher } from "../../../src/runtime/mqtt/status-publisher.ts";
import { AedesTestBroker, freePort } from "../../support/broker.ts";
import { mqttConfig } from "../../support/mqtt-config.ts";
import { answeringHandlers } from "../../support/mqtt-handlers.ts";
import { MqttProbe } from "../../support/mqtt-probe.ts";

const ROOT = "asls/0123456789ab";

test("a flood of 3000 requests, each tenth broken, is answered by codes and the next request works", async () => {
  await using broker = new AedesTestBroker(await freePort());
  await broker.start();
  let running = 0;
  let most = 0;
  const device = createStatusPublisher(mqttConfig({ url: broker.url }), "0123456789ab", {
    clock: new SystemClock(),
    log: silentLogger,
  });
  device.onRequest(
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
  try {
    await device.start(new AbortController().signal);
    await using probe = await MqttProbe.connect(broker.url, `${ROOT}/#`);
    await probe.waitFor(({ text }) => text === "online");
    await Promise.all(
      Array.from({ length: 3_000 }, (_, i) =>
        probe.send(`${ROOT}/request/say`, i % 10 === 0 ? "{" : JSON.stringify({ text: "hello", transaction: i })),
      ),
    );
    expect(await probe.request(ROOT, "health_check", '{"transaction":"last"}')).toMatchObject({ status: "ok" });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(8);
    const answers = () => probe.seen.filter(({ topic }) => topic === `${ROOT}/response/say`);
    await vi.waitFor(() => expect(answers().length + device.droppedMessages).toBe(3_000), { timeout: 20_000 });
    const codes = new Set(answers().map(({ text }) => (JSON.parse(text) as { code?: string }).code ?? "ok"));
    expect(
      [...codes].filter((code) => !["ok", "E_REQUEST_BUSY", "E_REQUEST_RATE", "E_REQUEST_INVALID"].includes(code)),
    ).toEqual([]);
    expect(codes).toContain("E_REQUEST_INVALID");
    expect(device.isConnected).toBe(true);
  } finally {
    await device.stop();
  }
});
