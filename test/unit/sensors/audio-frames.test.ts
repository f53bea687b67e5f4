import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameAssembler } from "../../../src/sensors/frame-assembler.ts";
import { FRAME_SAMPLES } from "../../../src/sensors/ports.ts";
import { PreRoll } from "../../../src/sensors/pre-roll.ts";

const numbered = (n: number) => new Int16Array(FRAME_SAMPLES).fill(n);

describe("frames", () => {
  test("a byte stream cut anywhere becomes the same frames; the rest waits", () => {
    const samples = Int16Array.from({ length: 3 * FRAME_SAMPLES + 100 }, (_, i) => (i * 31) % 30_000);
    const bytes = new Uint8Array(samples.buffer);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const assembler = new FrameAssembler();
        const frames = edges.slice(1).flatMap((end, i) => assembler.push(bytes.subarray(edges[i], end)));
        expect(frames).toHaveLength(3);
        expect(frames.flatMap((frame) => [...frame])).toEqual([...samples.subarray(0, 3 * FRAME_SAMPLES)]);
      }),
    );
  });

  test("a pre-roll of 300 ms keeps the newest 10 frames, oldest first, and drains once", () => {
    const preRoll = new PreRoll(300);
    for (let n = 1; n <= 25; n++) preRoll.push(numbered(n));
    expect(preRoll.lengthMs).toBe(320);
    expect(preRoll.drain().map((frame) => frame[0])).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(preRoll.drain()).toEqual([]);
  });
});
