import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { LineReader } from "../../../src/core/line-reader.ts";

const tooLong = (maxBytes: number) => new AppError("E_TRAINER_PROTOCOL", `more than ${maxBytes} bytes`);

function reading(maxBytes: number) {
  const lines: string[] = [];
  return { lines, reader: new LineReader(maxBytes, (line) => lines.push(line), tooLong) };
}

describe("LineReader", () => {
  it("gives the same lines however the bytes are cut, also inside a character", () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (written, cuts) => {
        const bytes = Buffer.from(written.map((text) => `${text}\n`).join(""));
        const { lines, reader } = reading(10_000);
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = cuts[i % cuts.length] ?? 1;
          reader.accept(bytes.subarray(at, at + size));
          at += size;
        }
        expect(lines).toEqual(written);
      }),
    );
  });

  it("keeps back a line without its end", () => {
    const { lines, reader } = reading(100);
    reader.accept(Buffer.from('{"a":1}\n{"b"'));
    expect(lines).toEqual(['{"a":1}']);
    reader.accept(Buffer.from(":2}\n"));
    expect(lines).toEqual(['{"a":1}', '{"b":2}']);
  });

  it("a line of 101 bytes is the error that its reader gave, whether in one piece or two, and the next one is read", () => {
    const { lines, reader } = reading(100);
    const refused = expect.objectContaining({ code: "E_TRAINER_PROTOCOL" });
    expect(() => reader.accept(Buffer.alloc(101, "x"))).toThrow(refused);
    reader.accept(Buffer.alloc(100, "y"));
    expect(() => reader.accept(Buffer.from("y"))).toThrow(refused);
    reader.accept(Buffer.from("short\n"));
    expect(lines).toEqual(["short"]);
  });
});
