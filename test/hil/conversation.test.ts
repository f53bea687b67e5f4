import { expect, test } from "vitest";
import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import type { SeenEvent } from "../../src/cli/demo/watched-service.ts";
import { describeWhen } from "../support/describe-when.ts";
import { eventually } from "../support/eventually.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import type { BoardDriver } from "./driver.ts";
import { missing, openBoard } from "./open-board.ts";
import { newPerson } from "./person.ts";

/** A press that is no hold, ms. */
const CLICK_MS = 150;

/** Presses the talk button, speaks when the board listens, and waits for the end of the turn. */
async function speak(board: BoardDriver, wavPath: string): Promise<SeenEvent> {
  const from = board.service.position;
  await board.press("talk", CLICK_MS);
  await board.next(from, "phase", ({ phase }) => phase === "listening");
  await board.say(wavPath);
  return await board.next(from, "turn");
}

/** Waits until the board says that it does nothing. */
async function idle(board: BoardDriver): Promise<void> {
  const from = board.service.position;
  if (((await board.service.call("status", {})) as { phase: string }).phase === "idle") return;
  await board.next(from, "phase", ({ phase }) => phase === "idle");
}

describeWhen(missing("press", "speak", "hear"), "button, microphone and loudspeaker", () => {
  test("a press and a spoken request are understood, answered aloud, and told on MQTT without a word of it", async () => {
    await using board = await openBoard();
    await using broker = await board.mqtt();
    await using folder = await makeTempDir("speech");
    // Has decided already: the first spoken turn of another person would be followed by the question, into the next test.
    await newPerson(board, "speaker");
    const wav = await recordSentence(folder.path, "request", "turn on the kitchen lights");
    const from = board.service.position;
    const seen = broker.probe.seen.length;
    const { samples } = await board.hear(async () => {
      const turn = await speak(board, wav);
      await idle(board);
      return turn;
    });
    expect((await board.next(from, "heard")).data.text).toBe("turn on the kitchen lights");
    expect((await board.next(from, "turn")).data).toMatchObject({ outcome: "answered", modality: "button" });
    expect(samples.filter((sample) => Math.abs(sample) > 1000).length).toBeGreaterThan(1000);
    const answered = await broker.topic("event/interaction", seen, ({ event_type }) => event_type === "answered");
    expect(Number(answered.latency_ms)).toBeGreaterThan(0);
    expect(broker.probe.seen.filter(({ text }) => /kitchen/i.test(text))).toEqual([]);
  });
});

describeWhen(missing("press", "see_light"), "the light", () => {
  test("is off while idle, on while it listens, off again when nothing was said", async () => {
    await using board = await openBoard();
    await idle(board);
    expect(await board.isLedOn()).toBe(false);
    const from = board.service.position;
    await board.press("talk", CLICK_MS);
    await board.next(from, "phase", ({ phase }) => phase === "listening");
    // The light is another process's: it follows the phase, a moment later on a slow board.
    await eventually(() => board.isLedOn());
    await board.next(from, "declined");
    await idle(board);
    await eventually(async () => !(await board.isLedOn()));
  });
});

describeWhen(missing("press"), "the mute", () => {
  test("declines the button's wake", async () => {
    await using board = await openBoard();
    await board.service.call("mute", { muted: true });
    const from = board.service.position;
    await board.press("talk", CLICK_MS);
    await board.next(from, "declined");
    await board.service.call("mute", { muted: false });
  });
});

describeWhen(missing("unplug_microphone"), "a microphone that is pulled out", () => {
  test("is an alert, and solved when it is back", async () => {
    await using board = await openBoard();
    const from = board.service.position;
    await board.unplugMic();
    await board.next(from, "alert", ({ code, alert }) => /^E_MIC/.test(String(code)) && alert !== null);
    await board.plugMic();
    await board.next(from, "alert", ({ code, alert }) => /^E_MIC/.test(String(code)) && alert === null);
  });
});
