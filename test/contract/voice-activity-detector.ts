import { expect, test } from "vitest";
import type { AudioFrame, VoiceActivityDetector } from "../../src/sensors/ports.ts";
import { clipFrames, roomFrames } from "../support/speech-clips.ts";

/** What every voice activity detector must do. */
export function voiceActivityDetectorContract(make: () => Promise<VoiceActivityDetector>): void {
  test("two seconds of a quiet room hold no speech", async () => {
    await using vad = await make();
    expect(await decide(vad, roomFrames(62))).toEqual(Array.from({ length: 62 }, () => false));
  });

  test("a sentence is speech in most of its frames, and silence follows within 500 ms", async () => {
    await using vad = await make();
    const decisions = await decide(vad, await clipFrames("turn-on-the-kitchen-lights-slt"));
    expect(decisions.filter(Boolean).length).toBeGreaterThan(0.4 * decisions.length);
    expect(decisions.at(0)).toBe(false);
    expect(decisions.at(-1)).toBe(false);
  });

  test("after a reset the same sentence gives the same decisions", async () => {
    await using vad = await make();
    const frames = await clipFrames("call-me-sam-slt");
    const first = await decide(vad, frames);
    vad.reset();
    expect(await decide(vad, frames)).toEqual(first);
  });
}

async function decide(vad: VoiceActivityDetector, frames: readonly AudioFrame[]): Promise<boolean[]> {
  const decisions: boolean[] = [];
  for (const frame of frames) decisions.push(await vad.isSpeech(frame));
  return decisions;
}
