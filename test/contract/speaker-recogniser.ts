import { expect, test } from "vitest";
import { type AudioFrame, FRAME_SAMPLES, SAMPLE_RATE_HZ, type SpeakerRecogniser } from "../../src/sensors/ports.ts";

/** A vowel-like tone of one "voice" for that many frames. */
export function toneFrames(pitchHz: number, frames: number): AudioFrame[] {
  return Array.from({ length: frames }, (_, frame) =>
    Int16Array.from({ length: FRAME_SAMPLES }, (_sample, i) => {
      const t = (frame * FRAME_SAMPLES + i) / SAMPLE_RATE_HZ;
      return 6000 * Math.sin(2 * Math.PI * pitchHz * t);
    }),
  );
}

async function printOf(recogniser: SpeakerRecogniser, frames: readonly AudioFrame[]): Promise<Float32Array | null> {
  const sample = recogniser.begin();
  for (const frame of frames) sample.accept(frame);
  return await sample.finish();
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/** What every {@link SpeakerRecogniser} keeps. @param open a fresh one; disposed of by the suite. */
export function speakerRecogniserContract(open: () => Promise<SpeakerRecogniser>): void {
  test("gives a unit vector, the same for the same audio, and names its model", async () => {
    await using recogniser = await open();
    expect(recogniser.model).not.toBe("");
    const [one, two] = [await printOf(recogniser, toneFrames(120, 60)), await printOf(recogniser, toneFrames(120, 60))];
    if (one === null || two === null) throw new Error("2 s are not too short");
    expect(cosine(one, one)).toBeCloseTo(1, 4);
    expect(cosine(one, two)).toBeCloseTo(1, 4);
  });

  test("nothing heard gives null", async () => {
    await using recogniser = await open();
    expect(await printOf(recogniser, [])).toBeNull();
  });

  test("a cancelled sample has no print, and the next one is not touched by it", async () => {
    await using recogniser = await open();
    const reference = await printOf(recogniser, toneFrames(200, 60));
    const cancelled = recogniser.begin();
    for (const frame of toneFrames(90, 60)) cancelled.accept(frame);
    cancelled.cancel();
    cancelled.cancel();
    await expect(cancelled.finish()).rejects.toMatchObject({ code: "E_ABORTED" });
    expect(await printOf(recogniser, toneFrames(200, 60))).toEqual(reference);
  });
}
