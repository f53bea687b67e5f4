import { expect, test } from "vitest";
import type { AudioFrame, SpeechToText, Utterance } from "../../src/sensors/ports.ts";
import { clipFrames, roomFrames } from "../support/speech-clips.ts";

/** What every recogniser must do. `make` gives a new one; the suite disposes of it. */
export function speechToTextContract(make: () => Promise<SpeechToText>): void {
  test("understands `turn on the kitchen lights`, twice in a row the same", async () => {
    await using stt = await make();
    const frames = await clipFrames("turn-on-the-kitchen-lights-slt");
    for (let turn = 0; turn < 2; turn++) {
      const { text, confidence } = await feed(stt.begin(), frames).finish();
      expect(text).toBe("turn on the kitchen lights");
      if (confidence !== null) expect(confidence).toBeLessThanOrEqual(1);
    }
  });

  test("a quiet room is an empty text, not an error", async () => {
    await using stt = await make();
    expect((await feed(stt.begin(), roomFrames(40)).finish()).text).toBe("");
  });

  test("an utterance without any audio is an empty text", async () => {
    await using stt = await make();
    expect((await stt.begin().finish()).text).toBe("");
  });

  test("finish after cancel is E_ABORTED; cancel is safe twice and after finish", async () => {
    await using stt = await make();
    const frames = await clipFrames("turn-on-the-kitchen-lights-slt");
    const cancelled = feed(stt.begin(), frames);
    cancelled.cancel();
    cancelled.cancel();
    await expect(cancelled.finish()).rejects.toMatchObject({ code: "E_ABORTED" });
    const finished = feed(stt.begin(), frames);
    expect((await finished.finish()).text).toBe("turn on the kitchen lights");
    finished.cancel();
  });

  test("beginning a new utterance drops the open one", async () => {
    await using stt = await make();
    const first = feed(stt.begin(), roomFrames(5));
    const second = feed(stt.begin(), await clipFrames("turn-on-the-kitchen-lights-slt"));
    await expect(first.finish()).rejects.toMatchObject({ code: "E_ABORTED" });
    expect((await second.finish()).text).toBe("turn on the kitchen lights");
  });
}

function feed(utterance: Utterance, frames: readonly AudioFrame[]): Utterance {
  for (const frame of frames) utterance.accept(frame);
  return utterance;
}
