import { describe, expect, test } from "vitest";
import { frameLevel } from "../../../src/sensors/audio-level.ts";
import type { AudioFrame } from "../../../src/sensors/ports.ts";
import { VirtualMicrophone } from "../../../src/sensors/virtual-microphone.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tone } from "../../support/speech-clips.ts";

function collect(microphone: VirtualMicrophone, signal: AbortSignal): AudioFrame[] {
  const frames: AudioFrame[] = [];
  void (async () => {
    for await (const frame of microphone.capture(signal)) frames.push(frame);
  })().catch(() => {});
  return frames;
}

const isLoud = (frame: AudioFrame) => frameLevel(frame).rms > 1_000;

describe("virtual microphone", () => {
  test("paces frames at 32 ms, or 8 times faster when told so", async () => {
    for (const [speed, expected] of [
      [1, 10],
      [8, 80],
    ] as const) {
      const clock = new FakeClock();
      const stop = new AbortController();
      const frames = collect(new VirtualMicrophone({ clock, speed }), stop.signal);
      await clock.advance(320);
      expect(frames).toHaveLength(expected);
      stop.abort();
    }
  });

  test("with a period of 128 ms four frames come at a time, and none is lost", async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const frames = collect(new VirtualMicrophone({ clock, periodMs: 128 }), stop.signal);
    const counts: number[] = [];
    for (let i = 0; i < 8; i++) {
      await clock.advance(32);
      counts.push(frames.length);
    }
    expect(counts).toEqual([0, 0, 0, 4, 4, 4, 4, 8]);
    stop.abort();
  });

  test("say resolves when its last sample has sounded, and a second sound waits for the first", async () => {
    const clock = new FakeClock();
    const microphone = new VirtualMicrophone({ clock });
    const ended: string[] = [];
    void microphone.say(tone(320)).then(() => ended.push("first"));
    void microphone.say(tone(160)).then(() => ended.push("second"));
    await clock.advance(319);
    expect(ended).toEqual([]);
    await clock.advance(2);
    expect(ended).toEqual(["first"]);
    await clock.advance(160);
    expect(ended).toEqual(["first", "second"]);
  });

  test("what sounds before a capture begins is not heard, what lasts into it is", async () => {
    const clock = new FakeClock();
    const microphone = new VirtualMicrophone({ clock });
    void microphone.say(tone(640));
    await clock.advance(480);
    const stop = new AbortController();
    const frames = collect(microphone, stop.signal);
    await clock.advance(320);
    stop.abort();
    expect(frames.map(isLoud)).toEqual([true, true, true, true, true, false, false, false, false, false]);
  });

  test("audio of another rate is E_WAV_RATE", async () => {
    const microphone = new VirtualMicrophone({ clock: new FakeClock() });
    await expect(microphone.say({ samples: new Int16Array(10), sampleRateHz: 8_000 })).rejects.toMatchObject({
      code: "E_WAV_RATE",
    });
  });
});
