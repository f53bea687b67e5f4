import { afterAll, beforeAll, expect, test } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { EventBus } from "../../../src/core/event-bus.ts";
import { Ear } from "../../../src/sensors/ear.ts";
import { DEFAULT_ENDPOINT_POLICY } from "../../../src/sensors/endpointer.ts";
import { openHearingEngines } from "../../../src/sensors/hearing.ts";
import type { HearingEngines } from "../../../src/sensors/hearing-engines.ts";
import type { ListenerEvents } from "../../../src/sensors/listener-events.ts";
import { FRAME_SAMPLES } from "../../../src/sensors/ports.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { eventually } from "../../support/eventually.ts";
import { HEARING_DEFAULTS } from "../../support/hearing-rig.ts";
import { lacksPocketsphinx } from "../../support/pocketsphinx.ts";
import { readClip, roomFrames } from "../../support/speech-clips.ts";

describeWhen(lacksPocketsphinx(), "the end of the wake phrase", () => {
  let engines: HearingEngines;
  beforeAll(async () => {
    engines = await openHearingEngines(HEARING_DEFAULTS, new SystemClock());
  });
  afterAll(() => engines[Symbol.asyncDispose]());

  function makeEar() {
    const events = new EventBus<ListenerEvents>((_, error) => {
      throw error;
    });
    const options = { engines, policy: DEFAULT_ENDPOINT_POLICY, preRollMs: 300, clock: new SystemClock(), events };
    return { ear: new Ear(options), events };
  }

  // where a frame begins in what is said is chance: once the phrase was found before its last sound, which then was a word
  test.each([0, 64, 128, 192, 256, 320, 384, 448])(
    "is no part of the command, spoken %i samples into a frame",
    async (offset) => {
      const { ear, events } = makeEar();
      const wakes: string[] = [];
      const transcripts: string[] = [];
      events.on("wake", ({ by }) => wakes.push(by));
      events.on("transcript", ({ text }) => transcripts.push(text));
      const { samples } = await readClip("okay-computer-turn-on-the-kitchen-lights-rms");
      for (const frame of framesInRoom(samples, offset)) await ear.accept(frame);
      await eventually(() => transcripts.length > 0);
      ear.close();
      expect(wakes).toEqual(["phrase"]);
      expect(transcripts).toEqual(["turn on the kitchen lights"]);
    },
  );

  test("what is dropped while it is awaited is not listened to, and the next phrase wakes again", async () => {
    const { ear, events } = makeEar();
    const names: string[] = [];
    events.on("speech_started", () => names.push("speech_started"));
    const unsubscribe = events.on("wake", () => {
      names.push("wake");
      expect(ear.isCapturing).toBe(true);
      ear.drop();
      expect(ear.isCapturing).toBe(false);
    });
    const frames = framesInRoom((await readClip("okay-computer-turn-on-the-kitchen-lights-rms")).samples, 0);
    for (const frame of frames) await ear.accept(frame);
    expect(names).toEqual(["wake"]);
    unsubscribe();
    const transcripts: string[] = [];
    events.on("transcript", ({ text }) => transcripts.push(text));
    for (const frame of frames) await ear.accept(frame);
    await eventually(() => transcripts.length > 0);
    ear.close();
    expect(transcripts).toEqual(["turn on the kitchen lights"]);
  });
});

/** A second of quiet room and `offset` samples, the clip, and a second of room again. */
function framesInRoom(samples: Int16Array, offset: number): Int16Array[] {
  const frames = roomFrames(64 + Math.ceil(samples.length / FRAME_SAMPLES));
  samples.forEach((sample, i) => {
    const at = 32 * FRAME_SAMPLES + offset + i;
    const frame = frames[Math.floor(at / FRAME_SAMPLES)];
    if (frame !== undefined)
      frame[at % FRAME_SAMPLES] = Math.max(-32_768, Math.min(32_767, sample + (frame[at % FRAME_SAMPLES] ?? 0)));
  });
  return frames;
}
