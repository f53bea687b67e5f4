import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../support/broker.ts";
import { MqttDevice } from "../support/mqtt-device.ts";
import { makeTempDir } from "../support/temp-dir.ts";

/** A word that the recogniser understands, and that no topic has another reason to hold. */
const SPOKEN = "kitchen";
const MARKS = ["xyzzy", "wibblo", "frobozz", "quux", "grue", "zorkmid", SPOKEN];

/** The seed model with another name inside, as whoever made a model may have given it. */
async function modelNamed(path: string, mark: string): Promise<void> {
  const bytes = await readFile("models/seed-q8_0.gguf");
  const key = bytes.indexOf("general.name");
  const lengthAt = key + "general.name".length + 4;
  const length = Number(bytes.readBigUInt64LE(lengthAt));
  bytes.write(mark.padEnd(length, "!").slice(0, length), lengthAt + 8, "utf8");
  await writeFile(path, bytes);
}

test.skipIf(mosquittoPath() === null)(
  "nothing that a user says, types, is called or owns is on any topic, whichever way it came in",
  async () => {
    await using broker = new MosquittoTestBroker(await freePort());
    await broker.start();
    await using folder = await makeTempDir("device");
    const model = folder.join("model.gguf");
    await modelNamed(model, "Grue");
    await using device = await MqttDevice.start(broker, [`model.path=${model}`, "log.level=debug"], folder);
    const { service } = device.device;
    await device.grant("store");
    await device.grant("train");
    // Typed over MQTT and over the control socket; a name; a fact; a correction; a profile's label.
    const requestsFrom = device.probe.seen.length;
    await device.ask("say", { text: "my marked secret is xyzzy" });
    await service.call("say", { text: "call me Wibblo", aloud: true });
    await service.call("say", { text: "remember that I am allergic to frobozz", aloud: false });
    await service.call("say", { text: "turn on the lights", aloud: false });
    await service.call("feedback", { kind: "correction", correction: "the quux is in the hall" });
    await service.call("profileCreate", { label: "Zorkmid" });
    // Spoken.
    const heardFrom = service.position;
    await service.call("listen", {
      path: await recordSentence(folder.path, "request", `turn on the ${SPOKEN} lights`),
    });
    const heard = await device.device.next(heardFrom, "heard");
    // A request with a field that is not known, a verb that is not known, and errors that could quote them.
    await expect(device.ask("mic/set", { muted: true, xyzzy: "wibblo" })).rejects.toThrow("E_REQUEST_INVALID");
    await expect(device.ask("feedback/submit", { target: "quux", rating: 1 })).rejects.toThrow("E_REQUEST_INVALID");
    await device.ask("feedback/submit", { target: "last", rating: 1 });
    await device.shows(
      "profiles/".concat(String((await device.ask("profile/list")).active)),
      ({ examples }) => Number(examples) >= 4,
    );
    // The marks did go through the device, so that their absence means something.
    const { facts } = (await service.call("profileShow", { profile: null })) as { facts: object[] };
    expect(JSON.stringify(facts).toLowerCase()).toContain("wibblo");
    expect(String(heard.data.text)).toContain(SPOKEN);
    await service.stop();
    const out = device.probe.seen.filter(({ topic }) => !topic.startsWith(`${device.root}/request/`));
    expect(out.length).toBeGreaterThan(requestsFrom);
    const leaks = out.filter(({ topic, text }) =>
      MARKS.some((mark) => `${topic} ${text}`.toLowerCase().includes(mark)),
    );
    expect(leaks).toEqual([]);
    const log = (await readFile(device.device.folder.join("log"), "utf8")).toLowerCase();
    expect(MARKS.filter((mark) => mark !== "grue" && log.includes(mark))).toEqual([]);
  },
);
