import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { AslsConfig } from "../../../src/runtime/config/schema.ts";
import { mosquittoAcl } from "../../../src/runtime/mqtt/acl.ts";
import { createStatusPublisher, type StatusPublisher } from "../../../src/runtime/mqtt/status-publisher.ts";
import { AedesTestBroker, freePort, MosquittoTestBroker, mosquittoPath } from "../../support/broker.ts";
import { makeCertificates, type TestCertificates } from "../../support/certificates.ts";
import { mqttConfig } from "../../support/mqtt-config.ts";
import { answeringHandlers } from "../../support/mqtt-handlers.ts";
import { MqttProbe } from "../../support/mqtt-probe.ts";
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

  describe("with the access list of `asls mqtt acl print`", () => {
    const OTHER = "asls/ffffffffffff";
    const ROOT = "asls/0123456789ab";
    let url: string;

    async function startWith(fleet: boolean, protocolVersion: "3.1.1" | "5" = "3.1.1"): Promise<void> {
      const device = fleet ? "0123456789ab" : "asls";
      const users = { device, dashboard: "dashboard", homeAssistant: "homeassistant" };
      const scope = { baseTopic: "asls", discoveryPrefix: "homeassistant" };
      const acl = folder.join("acl");
      const printed = mosquittoAcl({ ...scope, deviceId: fleet ? null : "0123456789ab" }, users);
      await writeFile(acl, `${printed}\nuser observer\ntopic readwrite #\n`);
      const passwords = folder.join("passwords");
      for (const [i, name] of [...Object.values(users), "observer"].entries()) {
        const create = i === 0 ? ["-c"] : [];
        execFileSync("mosquitto_passwd", ["-b", ...create, passwords, name, "secret"], { stdio: "ignore" });
      }
      const config = ["allow_anonymous false", `password_file ${passwords}`, `acl_file ${acl}`];
      url = (await startBroker(config, "mqtt")).url;
      const made = await startDevice({ url, username: device, password: "secret", protocolVersion });
      made.onRequest(answeringHandlers());
      await reported([null]);
    }

    const as = (username: string, filter: string | null = "#") =>
      MqttProbe.connect(url, filter, { username, password: "secret" });

    /** Waits until everything sent before has gone through the broker: a reader sees the marker that a writer sends. */
    async function passed(from: MqttProbe, to: MqttProbe, topic: string): Promise<void> {
      const seen = to.seen.length;
      await from.send(topic, "{}");
      await to.waitFor((message) => message.topic === topic, seen);
    }

    test.each(["3.1.1", "5"] as const)("the device works as ever, on MQTT %s", async (protocolVersion) => {
      await startWith(false, protocolVersion);
      await using home = await as("homeassistant");
      await home.waitFor(({ topic, text }) => topic === `${ROOT}/availability` && text === "online");
      expect(await home.request(ROOT, "consent/revoke", "")).toMatchObject({ status: "ok" });
      expect(await home.request(ROOT, "profile/forget", "")).toMatchObject({ status: "ok" });
    });

    test("a dashboard may steer training and sees the answer; neither consent nor erasure nor speech reach the device", async () => {
      await startWith(false);
      await using dashboard = await as("dashboard");
      await using observer = await as("observer");
      expect(await dashboard.request(ROOT, "training/pause", "")).toMatchObject({ status: "ok" });
      const from = observer.seen.length;
      for (const verb of ["consent/revoke", "consent/grant", "profile/forget", "profile/select", "say", "restart"]) {
        await dashboard.send(`${ROOT}/request/${verb}`, "{}");
      }
      await dashboard.send(`${ROOT}/state`, "forged", true);
      await dashboard.send(`${OTHER}/request/training/start`, "{}");
      await passed(dashboard, observer, `${ROOT}/request/health_check`);
      const topics = observer.seen.slice(from).map(({ topic }) => topic);
      expect(topics.filter((topic) => !topic.startsWith(`${ROOT}/response/`))).toEqual([
        `${ROOT}/request/health_check`,
      ]);
    });

    test.each([false, true])(
      "a device writes nothing of another's tree and reads none of its requests (fleet: %s)",
      async (fleet) => {
        await startWith(fleet);
        await using intruder = await as(fleet ? "0123456789ab" : "asls");
        await using observer = await as("observer");
        const from = observer.seen.length;
        await intruder.send(`${OTHER}/state`, "forged", true);
        await intruder.send(`${OTHER}/availability`, "offline", true);
        await intruder.send(`${OTHER}/request/restart`, "{}");
        await intruder.send("homeassistant/device/ffffffffffff/config", "", true);
        await intruder.send(`${ROOT}/request/restart`, "{}");
        await passed(intruder, observer, `${ROOT}/log`);
        const forged = observer.seen.slice(from).filter(({ topic }) => topic !== `${ROOT}/log`);
        expect(forged.filter(({ topic }) => topic.startsWith(OTHER) || topic.includes("/request/"))).toEqual([]);
        expect(observer.seen.filter(({ topic }) => topic.includes("ffffffffffff"))).toEqual([]);
        await observer.send(`${ROOT}/request/health_check`, "{}");
        await intruder.waitFor(({ topic }) => topic === `${ROOT}/request/health_check`);
        expect(intruder.seen.filter(({ topic }) => topic.startsWith(OTHER))).toEqual([]);
      },
    );
  });

  test("MQTT 5: connects with password, retained states, last will and requests as on 3.1.1", async () => {
    const passwords = folder.join("passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", passwords, "asls", "right"], { stdio: "ignore" });
    const { url } = await startBroker(["allow_anonymous false", `password_file ${passwords}`], "mqtt");
    await startDevice({ url, username: "asls", password: "wrong", protocolVersion: "5" });
    await reported(["E_MQTT_REFUSED"]);
    const made = await startDevice({ url, username: "asls", password: "right", protocolVersion: "5" });
    made.onRequest(answeringHandlers());
    await reported([null]);
    await using probe = await MqttProbe.connect(url, "#", { username: "asls", password: "right" });
    await probe.waitFor(({ text, retained }) => text === "online" && retained);
    expect(await probe.request("asls/0123456789ab", "mic/set", '{"muted":true}')).toMatchObject({ status: "ok" });
  });

  test("a broker that speaks only 3.1.1 is E_MQTT_VERSION to a device set to 5", async () => {
    await using aedes = new AedesTestBroker(await freePort());
    await aedes.start();
    await startDevice({ url: aedes.url, protocolVersion: "5" });
    await reported(["E_MQTT_VERSION"]);
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
