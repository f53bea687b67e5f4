import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AppError } from "../../../src/core/errors.ts";
import { EmbeddedBroker } from "../../../src/runtime/mqtt/embedded-broker.ts";
import { ReconnectingMqttClient } from "../../../src/runtime/mqtt/mqtt-client.ts";
import { freePort } from "../../support/broker.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { mqttConfig } from "../../support/mqtt-config.ts";

let clock: FakeClock;
let losses: AppError[];
let connects: number;
let client: ReconnectingMqttClient;
let port: number;
beforeEach(async () => {
  clock = new FakeClock();
  losses = [];
  connects = 0;
  port = await freePort();
});
afterEach(() => client.stop());

function makeClient(random: () => number): ReconnectingMqttClient {
  client = new ReconnectingMqttClient(
    {
      ...mqttConfig(),
      clientId: "test",
      will: { topic: "will", payload: "offline" },
      url: async () => `mqtt://127.0.0.1:${port}`,
    },
    {
      connected: () => {
        connects += 1;
      },
      disconnected: (error) => losses.push(error),
      received: () => {},
    },
    clock,
    random,
  );
  return client;
}

const lossCount = (count: number) => vi.waitFor(() => expect(losses).toHaveLength(count), { timeout: 20_000 });
const connectCount = (count: number) => vi.waitFor(() => expect(connects).toBe(count), { timeout: 20_000 });

/** The waits of the next attempts, each let pass. */
async function waits(count: number): Promise<(number | null)[]> {
  const found: (number | null)[] = [];
  for (let attempt = 1; attempt <= count; attempt += 1) {
    await lossCount(attempt);
    found.push(clock.nextTimerMs);
    await clock.advance(clock.nextTimerMs ?? 0);
  }
  return found;
}

describe("waits between attempts", () => {
  test("double from 1 s to 60 s", async () => {
    makeClient(() => 1).start();
    expect(await waits(8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(new Set(losses.map(({ code }) => code))).toEqual(new Set(["E_MQTT_UNREACHABLE"]));
  });

  test("are jittered down to half", async () => {
    makeClient(() => 0).start();
    expect(await waits(3)).toEqual([500, 1_000, 2_000]);
  });

  test("start again from the shortest after a connection that lived 10 s, and not after a shorter one", async () => {
    makeClient(() => 1).start();
    await waits(2);
    await lossCount(3);
    const broker = new EmbeddedBroker(port);
    await broker.listen();
    await clock.advance(4_000);
    await connectCount(1);
    await clock.advance(9_000);
    await broker.close();
    await lossCount(4);
    expect(clock.nextTimerMs).toBe(8_000);
    await broker.listen();
    await clock.advance(8_000);
    await connectCount(2);
    await clock.advance(10_000);
    await broker.close();
    await lossCount(5);
    expect(clock.nextTimerMs).toBe(1_000);
  });
});

test("stop leaves no timer and no attempt, and publishing after it fails with E_MQTT_UNREACHABLE", async () => {
  makeClient(() => 1).start();
  await lossCount(1);
  await client.stop();
  expect(clock.pendingTimers).toBe(0);
  await expect(client.publish("a", "1", { qos: 1, retain: false })).rejects.toMatchObject({
    code: "E_MQTT_UNREACHABLE",
  });
  await clock.advance(120_000);
  expect(losses).toHaveLength(1);
});

test("stopped and started at once it makes one connection, not two", async () => {
  await using broker = new EmbeddedBroker(port);
  await broker.listen();
  makeClient(() => 1).start();
  await client.stop();
  client.start();
  await connectCount(1);
  await client.publish("a", "1", { qos: 1, retain: false });
  expect([connects, losses.length]).toEqual([1, 0]);
});

test("a broker that grants no subscription (SUBACK 128) is E_MQTT_REFUSED", async () => {
  const aedes = await Aedes.createBroker({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) });
  const server = createServer((socket) => void aedes.handle(socket));
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    makeClient(() => 1).start();
    await connectCount(1);
    await expect(client.subscribe("asls/x/request/#")).rejects.toMatchObject({ code: "E_MQTT_REFUSED" });
  } finally {
    await client.stop();
    server.close();
    aedes.close();
  }
});
