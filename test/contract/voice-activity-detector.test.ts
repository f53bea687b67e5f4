import { expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { type Clock, SystemClock } from "../../src/core/clock.ts";
import { FRAME_SAMPLES } from "../../src/sensors/ports.ts";
import { SileroVad } from "../../src/sensors/silero-vad.ts";
import { describeWhen } from "../support/describe-when.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { LoudnessVad } from "../support/loudness-vad.ts";
import { isLibraryMapped } from "../support/mapped-library.ts";
import { clipFrames } from "../support/speech-clips.ts";
import { voiceActivityDetectorContract } from "./voice-activity-detector.ts";

describeWhen(null, "loudness (the tests' fake)", () => {
  voiceActivityDetectorContract(async () => new LoudnessVad());
});

describeWhen(null, "Silero in a speech worker", () => {
  const make = (clock: Clock) =>
    new SileroVad(
      { modelPath: `${packageRoot}models/silero_vad_v5.onnx`, threshold: 0.5, releaseAfterMs: 60_000 },
      clock,
    );

  voiceActivityDetectorContract(async () => make(new SystemClock()));

  test("takes no memory until the first frame, gives it back after 60 s without one, and then hears the same again", async () => {
    const clock = new FakeClock();
    await using vad = make(clock);
    await vad.check();
    expect(await isLibraryMapped("libonnxruntime")).toBe(false);
    const frames = await clipFrames("call-me-sam-slt");
    const decide = async () => {
      const decisions: boolean[] = [];
      for (const frame of frames) decisions.push(await vad.isSpeech(frame));
      return decisions;
    };
    const first = await decide();
    await clock.advance(59_000);
    expect(await isLibraryMapped("libonnxruntime")).toBe(true);
    await clock.advance(2_000);
    await eventually(async () => !(await isLibraryMapped("libonnxruntime")));
    expect(clock.pendingTimers).toBe(0);
    expect(await decide()).toEqual(first);
  });

  test("frames handed over at once while it opens are judged in order, as if it had been open", async () => {
    await using open = make(new SystemClock());
    await using opening = make(new SystemClock());
    const frames = await clipFrames("turn-on-the-kitchen-lights-slt");
    const expected: boolean[] = [];
    for (const frame of frames) expected.push(await open.isSpeech(frame));
    expect(await Promise.all(frames.map((frame) => opening.isSpeech(frame)))).toEqual(expected);
  });

  test("used after dispose, or disposed of while it opens: E_ABORTED", async () => {
    const vad = make(new SystemClock());
    const pending = vad.isSpeech(new Int16Array(FRAME_SAMPLES)).catch((error: unknown) => error);
    await vad[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ code: "E_ABORTED" });
    await expect(vad.isSpeech(new Int16Array(FRAME_SAMPLES))).rejects.toMatchObject({ code: "E_ABORTED" });
    await vad[Symbol.asyncDispose]();
  });
});
