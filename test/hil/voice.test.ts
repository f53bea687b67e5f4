import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import type { SeenEvent } from "../../src/cli/demo/watched-service.ts";
import { decodeWav, encodeWav } from "../../src/core/wav.ts";
import { describeWhen } from "../support/describe-when.ts";
import { VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

async function speak(device: VirtualDevice, name: string, sentence: string) {
  const path = await recordSentence(device.folder.path, name, sentence);
  return (await device.service.call("listen", { path })) as Record<string, unknown> | null;
}

describeWhen(notVirtual, "voice on the virtual board", () => {
  test("consent, name, thumb-down and correction by voice and button end up in the profile", async () => {
    await using device = await VirtualDevice.start();
    await speak(device, "consent", "you may remember what i say");
    await speak(device, "name", "call me sam");
    const answered = await speak(device, "request", "turn on the kitchen lights");
    expect(answered?.answer).toContain("Sam");
    const from = device.service.position;
    await device.service.call("press", { button: "down", holdMs: 80 });
    await device.next(from, "feedback", ({ kind }) => kind === "thumb_down");
    await device.service.call("feedback", { kind: "correction", correction: "The kitchen lights are on." });
    const profile = (await device.service.call("profileShow", { profile: null })) as Record<string, unknown>;
    expect(profile.facts).toMatchObject([{ kind: "name", value: "Sam" }]);
    expect(profile.signalCounts).toMatchObject({ thumb_down: 1, correction: 1 });
  });

  test("the wake phrase wakes it without a button", async () => {
    await using device = await VirtualDevice.start();
    const from = device.service.position;
    await device.service.call("play", {
      path: await recordSentence(device.folder.path, "wake", "okay computer", "rms"),
    });
    expect((await device.next(from, "wake")).data.by).toBe("phrase");
  });

  test("muted, the button's wake is declined; unmuted, it hears again", async () => {
    await using device = await VirtualDevice.start(["model.enabled=false"]);
    await device.service.call("mute", { muted: true });
    const from = device.service.position;
    await device.service.call("press", { button: "talk", holdMs: 80 });
    await device.next(from, "declined");
    await device.service.call("mute", { muted: false });
    const turn = await speak(device, "name", "call me sam");
    expect(turn?.outcome).toBe("acknowledged");
  });

  test("a WAV of another rate, an empty and a missing one are coded errors; the service stays up", async () => {
    await using device = await VirtualDevice.start(["model.enabled=false"]);
    const good = await recordSentence(device.folder.path, "good", "call me sam");
    const slow = device.folder.join("slow.wav");
    await writeFile(slow, encodeWav({ ...decodeWav(await readFile(good), good), sampleRateHz: 8000 }));
    const empty = device.folder.join("empty.wav");
    await writeFile(empty, "");
    const codes = {
      [slow]: "E_WAV_RATE",
      [empty]: "E_WAV_INVALID",
      [device.folder.join("none.wav")]: "E_FILE_UNREADABLE",
    };
    for (const [path, code] of Object.entries(codes)) {
      await expect(device.service.call("listen", { path })).rejects.toMatchObject({ code });
    }
    expect(await device.service.call("status", {})).toMatchObject({ phase: "idle" });
  });

  test("the first spoken turn of a person is followed by the question, and a spoken yes and no decide", async () => {
    await using device = await VirtualDevice.start(["model.enabled=false", "tts.engine=none"]);
    // Each from the event before: on a busy machine the next question is there before a call has returned.
    const answer = async (after: SeenEvent, name: string, words: string) => {
      const listening = await device.next(after.position, "phase", ({ phase }) => phase === "listening");
      await device.service.call("play", { path: await recordSentence(device.folder.path, name, words) });
      return await device.next(listening.position, "consent");
    };
    const from = device.service.position;
    await speak(device, "name", "call me sam");
    const yes = await answer(await device.next(from, "turn"), "yes", "yes please");
    expect(yes.data).toMatchObject({ purpose: "store", granted: true, origin: "spoken" });
    const no = await answer(yes, "no", "no thank you");
    expect(no.data).toMatchObject({ purpose: "train", granted: false, origin: "spoken" });
    const state = (await device.service.call("consentShow", {})) as Record<string, unknown>;
    expect(state).toMatchObject({ isDue: false, standing: { store: true, train: false } });
  });
});
