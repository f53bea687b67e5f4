import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { AslsConfig } from "../../../src/runtime/config/schema.ts";
import { createStatusPublisher, type StatusPublisher } from "../../../src/runtime/mqtt/status-publisher.ts";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../../support/broker.ts";
import { makeCertificates, type TestCertificates } from "../../support/certificates.ts";
import { mqttConfig } from "../../support/mqtt-config.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const without = mosquittoPath() === null ? " (needs the Debian package mosquitto)" : "";

describe.skipIf(without !== "")(`access to Mosquitto${without}`, () => {
  let folder: TempDir;
  let broker: MosquittoTestBroker | null;
  let device: StatusPublisher | null;
  let reports: (string | null)[];
  beforeEach(async () => {
    folder = await makeTempDir("access");
    broker = null;
    device = null;
    reports = [];
  });
  afterEach(async () => {
    await device?.stop();
    await broker?.[Symbol.asyncDispose]();
    await folder.dispose();
  });

  async function startBroker(config: readonly string[], scheme: "mqtt" | "mqtts"): Promise<MosquittoTestBroker> {
    broker = new MosquittoTestBroker(await freePort(), config, scheme);
    await broker.start();
    return broker;
  }

  async function startDevice(changes: Partial<AslsConfig["mqtt"]>): Promise<StatusPublisher> {
    await device?.stop();
    reports = [];
    device = createStatusPublisher(mqttConfig({ reconnectMinMs: 100, ...changes }), "0123456789ab", {
      clock: new SystemClock(),
      log: silentLogger,
      random: () => 0,
      onConnection: (error) => reports.push(error?.code ?? null),
    });
    await device.start(new AbortController().signal);
    return device;
  }

  const reported = (codes: (string | null)[]) =>
    vi.waitFor(() => expect(reports).toEqual(codes), { timeout: 20_000, interval: 20 });

  test("a wrong password is E_MQTT_REFUSED; the right one in the file is taken at the next attempt, without restart", async () => {
    const passwords = folder.join("passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", passwords, "asls", "right"], { stdio: "ignore" });
    const { url } = await startBroker(["allow_anonymous false", `password_file ${passwords}`], "mqtt");
    const passwordFile = folder.join("secret");
    await writeFile(passwordFile, "wrong\n");
    await startDevice({ url, username: "asls", passwordFile });
    await reported(["E_MQTT_REFUSED"]);
    await writeFile(passwordFile, "right\n");
    await reported(["E_MQTT_REFUSED", null]);
  });

  describe("TLS", () => {
    let files: TestCertificates;
    let url: string;
    beforeEach(async () => {
      files = makeCertificates(folder.path);
      const tls = [`cafile ${files.ca}`, `certfile ${files.serverCert}`, `keyfile ${files.serverKey}`];
      url = (await startBroker([...tls, "require_certificate true", "use_identity_as_username true"], "mqtts")).url;
    });

    test("connects with a client certificate signed by the broker's authority", async () => {
      await startDevice({ url, caFile: files.ca, certFile: files.clientCert, keyFile: files.clientKey });
      await reported([null]);
    });

    test("a broker certificate from another authority is E_MQTT_TLS", async () => {
      await startDevice({ url, caFile: files.otherCa, certFile: files.clientCert, keyFile: files.clientKey });
      await reported(["E_MQTT_TLS"]);
    });

    test("no client certificate where one is required is E_MQTT_TLS", async () => {
      await startDevice({ url, caFile: files.ca });
      await reported(["E_MQTT_TLS"]);
    });
  });
});
