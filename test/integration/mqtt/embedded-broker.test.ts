import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { expect, test, vi } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { EmbeddedBroker } from "../../../src/runtime/mqtt/embedded-broker.ts";
import { createStatusPublisher } from "../../../src/runtime/mqtt/status-publisher.ts";
import { mqttConfig } from "../../support/mqtt-config.ts";
import { MqttProbe } from "../../support/mqtt-probe.ts";

function makeDevice(embeddedPort: number, reports: (string | null)[]) {
  return createStatusPublisher(mqttConfig({ embeddedPort, reconnectMinMs: 100 }), "0123456789ab", {
    clock: new SystemClock(),
    log: silentLogger,
    onConnection: (error) => reports.push(error?.code ?? null),
  });
}

test("without mqtt.url the device brings its own broker and publishes there", async () => {
  const device = makeDevice(0, []);
  try {
    await device.start(new AbortController().signal);
    await vi.waitFor(() => expect(device.isConnected).toBe(true), { timeout: 20_000 });
    await using probe = await MqttProbe.connect(device.brokerUrl ?? "");
    await probe.waitFor(({ topic, text }) => topic === "asls/0123456789ab/availability" && text === "online");
  } finally {
    await device.stop();
  }
  expect(device.isConnected).toBe(false);
});

test("a taken port is reported as E_MQTT_PORT, start does not fail, and the broker comes up once it is free", async () => {
  const first = new EmbeddedBroker(0);
  const port = Number(new URL(await first.listen()).port);
  const reports: (string | null)[] = [];
  const device = makeDevice(port, reports);
  try {
    await device.start(new AbortController().signal);
    await vi.waitFor(() => expect(reports).toEqual(["E_MQTT_PORT"]), { timeout: 20_000 });
    await first.close();
    await vi.waitFor(() => expect(reports).toEqual(["E_MQTT_PORT", null]), { timeout: 20_000 });
  } finally {
    await device.stop();
  }
});

const address = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

test.skipIf(address === undefined)(
  `listens on loopback only${address === undefined ? " (needs a network interface besides loopback)" : ""}`,
  async () => {
    await using broker = new EmbeddedBroker(0);
    const port = Number(new URL(await broker.listen()).port);
    const socket = connect(port, address);
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  },
);

test("mqtt.enabled false connects nowhere and opens no port", async () => {
  const device = createStatusPublisher(mqttConfig({ enabled: false }), "0123456789ab", {
    clock: new SystemClock(),
    log: silentLogger,
  });
  await device.start(new AbortController().signal);
  device.event("event/button", { eventType: "hold", button: "up", atMs: 0 });
  expect([device.isConnected, device.brokerUrl]).toEqual([false, null]);
  await device.stop();
});

test("closing while it still opens leaves nobody listening", async () => {
  const broker = new EmbeddedBroker(0);
  const opening = broker.listen();
  await broker.close();
  const { port } = new URL(await opening);
  const socket = connect(Number(port), "127.0.0.1");
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
});
