import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineDecoder } from "../../../src/adapt/line-decoder.ts";

describe("LineDecoder", () => {
  it("gives the same lines however the bytes are cut, also inside a character", () => {
    const line = fc.stringMatching(/^[^\r\n]*[^\s]$/);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const decoder = new LineDecoder();
        const decoded: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = cuts[i % cuts.length] ?? 1;
          decoded.push(...decoder.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(decoded).toEqual(lines.map((text) => text.trimEnd()));
      }),
    );
  });

  it("keeps back a line without its end and drops empty ones", () => {
    const decoder = new LineDecoder();
    expect(decoder.push(Buffer.from('\n\r\n{"a":1}\r\n{"b"'))).toEqual(['{"a":1}']);
    expect(decoder.push(Buffer.from(":2}\n"))).toEqual(['{"b":2}']);
  });

  it("refuses a line of 1,000,001 characters", () => {
    const decoder = new LineDecoder();
    decoder.push(Buffer.alloc(1_000_000, "x"));
    expect(() => decoder.push(Buffer.from("x"))).toThrow(expect.objectContaining({ code: "E_TRAINER_PROTOCOL" }));
  });
});
