import { expect, test } from "vitest";
import { isAppError } from "../../src/core/errors.ts";
import { frameLevel } from "../../src/sensors/audio-level.ts";
import { type AudioFrame, FRAME_SAMPLES, type Microphone } from "../../src/sensors/ports.ts";

/** A microphone in a room where a loud tone sounds all the time. */
export interface MicrophoneRig extends AsyncDisposable {
  readonly microphone: Microphone;
  /** The same technology, with a device that does not exist. */
  readonly absent: Microphone;
  /** Makes the device vanish under a running capture. */
  vanish(): void;
}

/** What every microphone must do; the suite disposes of what `make` gives. */
export function microphoneContract(make: () => Promise<MicrophoneRig>): void {
  test("frames have 512 samples and hold what sounds in the room", async () => {
    await using rig = await make();
    const frames = await take(rig.microphone, 20);
    expect(frames.map((frame) => frame.length)).toEqual(Array.from({ length: 20 }, () => FRAME_SAMPLES));
    expect(Math.max(...frames.map((frame) => frameLevel(frame).peak))).toBeGreaterThan(10_000);
  });

  test("an abort ends the capture without an error, and a new one hears again", async () => {
    await using rig = await make();
    expect(await take(rig.microphone, 3)).toHaveLength(3);
    expect(await take(rig.microphone, 3)).toHaveLength(3);
  });

  test("an aborted signal gives no frame", async () => {
    await using rig = await make();
    const frames: AudioFrame[] = [];
    for await (const frame of rig.microphone.capture(AbortSignal.abort())) frames.push(frame);
    expect(frames).toEqual([]);
  });

  test("a second capture while one runs is E_MIC_UNAVAILABLE, and the first goes on", async () => {
    await using rig = await make();
    const stop = new AbortController();
    let isRefused = false;
    let framesAfter = 0;
    for await (const _ of rig.microphone.capture(stop.signal)) {
      if (isRefused) framesAfter++;
      else isRefused = isAppError(await take(rig.microphone, 1).catch((e: unknown) => e), "E_MIC_UNAVAILABLE");
      if (framesAfter === 3) stop.abort();
    }
    expect(isRefused).toBe(true);
    expect(framesAfter).toBe(3);
  });

  test("a device that vanishes ends the capture with E_MIC_LOST", async () => {
    await using rig = await make();
    const failure = await failureOf(async () => {
      for await (const _ of rig.microphone.capture(new AbortController().signal)) rig.vanish();
    });
    expect(failure).toMatchObject({ code: "E_MIC_LOST" });
  });

  test("a device that does not exist is E_MIC_UNAVAILABLE", async () => {
    await using rig = await make();
    expect(await failureOf(() => take(rig.absent, 1))).toMatchObject({ code: "E_MIC_UNAVAILABLE" });
  });

  test("leaving the loop early releases the device", async () => {
    await using rig = await make();
    for await (const _ of rig.microphone.capture(new AbortController().signal)) break;
    expect(await take(rig.microphone, 1)).toHaveLength(1);
  });
}

async function take(microphone: Microphone, count: number): Promise<AudioFrame[]> {
  const stop = new AbortController();
  const frames: AudioFrame[] = [];
  for await (const frame of microphone.capture(stop.signal)) {
    frames.push(frame);
    if (frames.length === count) stop.abort();
  }
  return frames;
}

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return "no error";
}
