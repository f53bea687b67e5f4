import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import { freePort } from "../../src/cli/demo/free-port.ts";
import { eventually } from "../support/eventually.ts";
import { MqttProbe } from "../support/mqtt-probe.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { VirtualDevice } from "../support/virtual-device.ts";

/** One word each for a request, a correction, a name, a preference, a guest's words and words before consent. */
const SECRETS = ["zebrafish", "quagga", "plughname", "axolotl", "okapi", "xyzzy", "555-867-5301"];

/** `path: secret` for every file below the folder that holds one, in any case. */
async function secretsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = (await readFile(path)).toString("latin1").toLowerCase();
    found.push(...SECRETS.filter((secret) => content.includes(secret)).map((secret) => `${path}: ${secret}`));
  }
  return found;
}

/** Sees everything that the device's own broker sends, once that listens. */
async function listen(device: VirtualDevice, port: number): Promise<MqttProbe> {
  const isConnected = async () => {
    const { mqtt } = (await device.service.call("status", {})) as { mqtt: string };
    return mqtt !== "not connected";
  };
  await eventually(isConnected);
  return await MqttProbe.connect(`mqtt://127.0.0.1:${port}`);
}

afterEach(() => vi.unstubAllEnvs());

test("after forget no marked word is in any file of state, runtime, log or tmp, in broker traffic, or retained there", async () => {
  await using folder = await makeTempDir("erasure");
  const port = await freePort();
  vi.stubEnv("TMPDIR", folder.path); // so that temporary files are searched, too
  await using device = await VirtualDevice.start(
    [`mqtt.embeddedPort=${port}`, "log.level=debug", "output.kind=wav", "virtual.speed=20", "dialog.askConsent=false"],
    folder,
  );
  await using broker = await listen(device, port);
  const say = (text: string, aloud = false) => device.service.call("say", { text, aloud });
  await say("my secret is xyzzy");
  for (const purpose of ["store", "train"] as const) {
    const granting = device.service.call("consent", { purpose, granted: true });
    await device.service.call("press", { button: "talk", holdMs: 2_000 });
    await granting;
  }
  await say("call me Plughname");
  await say("i like axolotls, my number is 555-867-5301");
  await say("tell me about the zebrafish", true);
  await device.service.call("feedback", { kind: "correction", correction: "It is a quagga." });
  await say("guest mode on");
  await say("i am fond of my okapi");
  await say("guest mode off");
  const exported = (await device.service.call("profileExport", { profile: null })) as Record<string, unknown>;
  const { profile } = exported as { profile: { id: string } };
  const text = JSON.stringify(exported).toLowerCase();
  for (const kept of ["plughname", "axolotl", "zebrafish", "quagga"]) expect(text).toContain(kept);
  for (const never of ["xyzzy", "okapi", "555-867-5301"]) expect(text).not.toContain(never);
  expect(await readdir(folder.join("state", "spoken"))).not.toEqual([]);

  const receipt = await device.service.call("profileForget", { profile: null });
  expect(receipt).toMatchObject({ profileId: profile.id, verified: true, retainedTopics: 1 });
  expect((receipt as { recordings: number }).recordings).toBeGreaterThan(0);
  expect(await secretsIn(folder.path)).toEqual([]);
  await writeFile(folder.join("planted"), "a Quagga");
  expect(await secretsIn(folder.path)).toEqual([`${folder.join("planted")}: quagga`]);
  await rm(folder.join("planted"));
  expect(await readdir(folder.join("state", "spoken"))).toEqual([]);
  expect(broker.seen.length).toBeGreaterThan(10);
  expect(broker.seen.filter(({ text: sent }) => SECRETS.some((secret) => sent.toLowerCase().includes(secret)))).toEqual(
    [],
  );
  await using late = await listen(device, port);
  await late.waitFor(({ topic, retained }) => retained && topic.endsWith("/state"));
  await late.waitFor(({ topic, retained }) => retained && topic.endsWith("/info"));
  await say("hello");
  const kept = late.seen.filter(({ retained }) => retained);
  expect(kept.length).toBeGreaterThan(1);
  expect(kept.filter((message) => `${message.topic} ${message.text}`.includes(profile.id))).toEqual([]);
  expect(await device.service.stop()).toBe(0);
  expect(await secretsIn(folder.path)).toEqual([]);
});

test("outside of the database a profile is its random id: its name is in no file, topic or log line", async () => {
  await using folder = await makeTempDir("pseudonym");
  const port = await freePort();
  await using device = await VirtualDevice.start(
    [`mqtt.embeddedPort=${port}`, "log.level=debug", "model.enabled=false"],
    folder,
  );
  await using broker = await listen(device, port);
  const { id } = (await device.service.call("profileCreate", { label: "Quagga Okapi" })) as { id: string };
  expect(id).toMatch(/^p_[0-9a-f]{16}$/);
  await device.service.call("profileSelect", { profile: id });
  await device.service.call("say", { text: "call me Plughname", aloud: false });
  await device.next(0, "turn");
  expect((await device.service.call("profileShow", { profile: id })) as object).toMatchObject({
    label: "Quagga Okapi",
  });
  await device.service.stop();
  expect(await secretsIn(folder.path)).toEqual([]);
  expect(broker.seen.some(({ topic, text }) => /quagga|okapi|plughname/i.test(topic + text))).toBe(false);
});

test("a wake phrase without a command leaves nothing: no transcript, no turn, no row, no sound, no word in the log", async () => {
  await using folder = await makeTempDir("wake");
  await using device = await VirtualDevice.start(
    ["model.enabled=false", "log.level=debug", "vad.noSpeechMs=1000"],
    folder,
  );
  const granting = device.service.call("consent", { purpose: "store", granted: true });
  await device.service.call("press", { button: "talk", holdMs: 2_000 });
  await granting;
  const from = device.service.position;
  await device.service.call("play", { path: await recordSentence(folder.path, "wake", "okay computer", "rms") });
  await device.next(from, "wake", ({ by }) => by === "phrase");
  const declined = await device.next(from, "declined");
  expect(declined.data).toEqual({ reason: "no_speech" });
  await expect(
    device.service.next(from, "a transcript", 100, ({ event }) => event === "heard" || event === "turn"),
  ).rejects.toThrow();
  const exported = (await device.service.call("profileExport", { profile: null })) as { interactions: unknown[] };
  expect(exported.interactions).toEqual([]);
  await device.service.stop();
  expect(await readFile(folder.join("log"), "utf8")).not.toMatch(/okay|computer/i);
  const sounds = (await readdir(folder.path, { recursive: true })).filter((name) => name.endsWith(".wav"));
  expect(sounds).toEqual(["wake.wav"]); // the recording that the test played
});
