import { afterAll, expect, it } from "vitest";
import { cutBuffersSmall } from "../../../src/core/free-memory.ts";

const before = Buffer.poolSize;
afterAll(() => {
  Buffer.poolSize = before;
});

/** Bytes that stay allocated for small buffers of which every one is kept, though others were cut between them and dropped. */
function keptBytes(): number {
  const kept = Array.from({ length: 200 }, () => {
    for (let dropped = 0; dropped < 100; dropped += 1) Buffer.allocUnsafe(200);
    return Buffer.allocUnsafe(2);
  });
  return [...new Set(kept.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

it("a small buffer that is kept holds no more than half a KiB", () => {
  expect(keptBytes()).toBeGreaterThan(200 * 4096); // Node's own: a piece of 8 KiB each
  cutBuffersSmall();
  keptBytes(); // until the piece in use is used up
  expect(keptBytes()).toBeLessThanOrEqual(200 * 512);
});
