import { execFileSync } from "node:child_process";
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

/** How many of 40 functions V8 has compiled with optimisations once each was called so often. */
function optimisedOf40(calls: number, before: string): number {
  const script = `
    ${before}
    const body = "s += a; ".repeat(20);
    const functions = Array.from({ length: 40 }, (_, i) => new Function("a", "let s = " + i + "; " + body + "return s;"));
    for (let call = 0; call < ${calls}; call++) for (const each of functions) each(call);
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    for (const each of functions) each(1); // takes up what was compiled meanwhile
    const OPTIMISED = 1 << 4;
    console.log(functions.filter((each) => %GetOptimizationStatus(each) & OPTIMISED).length);`;
  const options = [
    "--allow-natives-syntax",
    "--no-concurrent-recompilation",
    "--no-use-osr",
    "--max-inlined-bytecode-size=0",
  ];
  return Number(execFileSync(process.execPath, [...options, "--import", "tsx", "--input-type=module", "-e", script]));
}

it("only what runs often is compiled with optimisations", () => {
  const late = 'import { optimiseLate } from "./src/core/free-memory.ts"; optimiseLate();';
  expect(optimisedOf40(3_600, "")).toBe(40);
  expect(optimisedOf40(3_600, late)).toBe(0);
  expect(optimisedOf40(100_000, late)).toBe(40);
});
