import { expect, test } from "vitest";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../support/broker.ts";
import { MqttDevice } from "../support/mqtt-device.ts";
import { MqttProbe } from "../support/mqtt-probe.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls } from "../support/virtual-device.ts";

const test_ = test.skipIf(mosquittoPath() === null);

async function startBroker(): Promise<MosquittoTestBroker> {
  const broker = new MosquittoTestBroker(await freePort());
  await broker.start();
  return broker;
}

test_("each switch and setting does what it says, and the topics that show it follow", async () => {
  await using broker = await startBroker();
  await using device = await MqttDevice.start(broker, ["model.enabled=false"]);
  const { probe } = device;
  const follows = async (verb: string, fields: object, path: string, shown: object) => {
    const from = probe.seen.length;
    await device.ask(verb, { ...fields });
    const expected = Object.entries(shown);
    await device.shows(path, (payload) => expected.every(([key, value]) => payload[key] === value), from);
  };
  await follows("mic/set", { muted: true }, "state", { mic_muted: true });
  await follows("options/set", { log_level: "debug" }, "info", { log_level: "debug" });
  await follows("power/set_mode", { mode: "quiet" }, "power", { mode: "quiet" });
  await follows("power/set_budget", { daily_wh: 7 }, "power", { daily_wh: 7 });
  await follows("training/pause", {}, "training", { state: "paused", reason: "paused" });
  await follows("training/resume", {}, "training", { state: "idle" });
  await follows("learning/set", { enabled: false }, "state", { learning_enabled: false });
  expect(await device.ask("training/start")).toMatchObject({ outcome: "declined" });
  expect((await device.ask("training/start")).reasons).toContain("learning_off");
  await expect(device.ask("adapter/activate")).rejects.toThrow("E_ADAPTER_UNKNOWN");
  expect(await device.ask("training/cancel")).toEqual({ cancelled: false });
  expect(await device.ask("health_check")).toMatchObject({ uptime_s: expect.any(Number) });
});

test_("learning off and a pause outlast a restart; while off nothing is stored whatever was consented to", async () => {
  await using broker = await startBroker();
  await using folder = await makeTempDir("device");
  {
    await using device = await MqttDevice.start(broker, [], folder);
    await device.grant("store");
    await device.ask("training/pause");
    await device.ask("learning/set", { enabled: false });
    await device.ask("say", { text: "turn on the kitchen lights" });
    await device.device.service.stop();
  }
  await using device = await MqttDevice.start(broker, [], folder);
  await device.shows("state", ({ learning_enabled }) => learning_enabled === false);
  await device.shows(
    "training",
    ({ state, reason, examples }) => reason === "learning_off" && examples === 0 && state !== "",
  );
  const from = device.probe.seen.length;
  await device.ask("learning/set", { enabled: true });
  await device.shows("training", ({ reason, state }) => reason === "paused" && state === "paused", from);
  await device.ask("say", { text: "turn on the kitchen lights" });
  await device.shows("training", ({ examples }) => examples === 1, from);
});

test_("profiles: listed by id, selected, forgotten by token and by button, and gone from the broker", async () => {
  await using broker = await startBroker();
  await using device = await MqttDevice.start(broker, ["model.enabled=false"]);
  const { id: second } = (await device.device.service.call("profileCreate", { label: "Plughname" })) as { id: string };
  const { profiles, active: first } = (await device.ask("profile/list")) as { profiles: string[]; active: string };
  expect(profiles.toSorted()).toEqual([first, second].toSorted());
  const from = device.probe.seen.length;
  await device.ask("profile/select", { profile: second });
  await device.shows("state", ({ profile }) => profile === second, from);
  await device.shows(`profiles/${second}`, ({ active }) => active === true);

  const { confirm } = await device.ask("profile/forget", { profile: first });
  expect(await device.ask("profile/forget", { profile: first, confirm })).toMatchObject({
    outcome: "forgotten",
    profile: first,
    receipt: { retained_topics: 1, verified: true },
  });
  const asked = device.probe.seen.length;
  await device.ask("profile/forget", { profile: second, transaction: "arm" });
  await device.device.service.call("press", { button: "talk", holdMs: 2_000 });
  const answers = await device.probe.waitFor(
    ({ topic, text }) => topic.endsWith("response/profile/forget") && text.includes('"forgotten"'),
    asked,
  );
  expect(JSON.parse(answers.text)).toMatchObject({ transaction: "arm", data: { profile: second } });
  await using late = await MqttProbe.connect(broker.url);
  await late.send("marker", "1");
  await late.waitFor(({ topic }) => topic === "marker");
  const kept = late.seen.map(({ topic }) => topic).filter((topic) => topic.includes("/profiles/"));
  expect(kept.filter((topic) => topic.includes(first) || topic.includes(second))).toEqual([]);
});

test_("a profile forgotten while the broker was away is deleted there when it is back", async () => {
  await using broker = await startBroker();
  await using device = await MqttDevice.start(broker, ["model.enabled=false", "mqtt.reconnectMinMs=100"]);
  const { active } = (await device.ask("profile/list")) as { active: string };
  await device.shows(`profiles/${active}`, () => true);
  await broker.stop();
  await device.device.service.call("profileForget", { profile: active });
  await broker.start();
  await using late = await MqttProbe.connect(broker.url);
  await late.waitFor(({ topic, text, retained }) => topic.endsWith("/availability") && text === "online" && !retained);
  await using later = await MqttProbe.connect(broker.url);
  await later.send("marker", "1");
  await later.waitFor(({ topic }) => topic === "marker");
  expect(later.seen.filter(({ topic }) => topic.includes(active))).toEqual([]);
});

test_(
  "Home Assistant: announced with its topics, again after its birth, and taken back on disable and on purge",
  async () => {
    await using broker = await startBroker();
    await using folder = await makeTempDir("device");
    const topicOf = (root: string) => `homeassistant/device/${root.slice("asls/".length)}/config`;
    let announcement = "";
    {
      await using device = await MqttDevice.start(broker, ["model.enabled=false"], folder);
      announcement = topicOf(device.root);
      const config = await device.probe.json(announcement);
      expect(config).toMatchObject({ availability: [{ topic: `${device.root}/availability` }] });
      // The virtual board measures its input power.
      expect(Object.keys(config.components as object)).toContain("input_power");
      const from = device.probe.seen.length;
      await device.probe.send("homeassistant/status", "online");
      await device.probe.json(announcement, from);
      await device.shows("state", () => true, from);
      await device.device.service.stop();
    }
    {
      await using device = await MqttDevice.start(broker, ["model.enabled=false", "mqtt.discovery=false"], folder);
      await using late = await MqttProbe.connect(broker.url);
      await late.send("marker", "1");
      await late.waitFor(({ topic }) => topic === "marker");
      expect(late.seen.map(({ topic }) => topic)).not.toContain(announcement);
      await device.device.service.stop();
    }
    await using device = await MqttDevice.start(broker, ["model.enabled=false"], folder);
    await device.probe.json(announcement);
    await device.device.service.stop();
    const cleared = await asls(["mqtt", "discovery", "clear", "--all", "--json", ...device.device.options]);
    expect(JSON.parse(cleared.stdout)).toMatchObject({ cleared: expect.any(Number) });
    await using last = await MqttProbe.connect(broker.url);
    await last.send("marker", "1");
    await last.waitFor(({ topic }) => topic === "marker");
    expect(last.seen.map(({ topic }) => topic)).toEqual(["marker"]);
  },
);

test_("restart over MQTT ends the service with code 75 and offline", async () => {
  await using broker = await startBroker();
  await using device = await MqttDevice.start(broker, ["model.enabled=false"]);
  const from = device.probe.seen.length;
  expect(await device.ask("restart")).toEqual({ outcome: "restarting" });
  await device.probe.waitFor(({ topic, text }) => topic.endsWith("/availability") && text === "offline", from);
  expect(await device.device.service.ended()).toBe(75);
});
