import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenText } from "../../../../src/runtime/llm/token-text.ts";

const decodeBytes = (tokens: readonly number[]) => Buffer.from(tokens).toString("utf8");

function pieces(bytes: Uint8Array): string[] {
  const text = new TokenText(decodeBytes);
  return [...[...bytes].map((byte) => text.push(byte)), text.end()].filter((piece) => piece !== "");
}

test("one token per byte: every character comes out whole, and all of them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const wellFormed = Buffer.from(value).toString("utf8");
      fc.pre(!wellFormed.includes("\uFFFD"));
      const out = pieces(Buffer.from(wellFormed));
      expect(out.join("")).toBe(wellFormed.trimStart());
      expect(out.every((piece) => !piece.includes("\uFFFD"))).toBe(true);
    }),
  );
});

test("an emoji of four tokens comes with the fourth", () => {
  const text = new TokenText(decodeBytes);
  expect([...Buffer.from("🙂")].map((byte) => text.push(byte))).toEqual(["", "", "", "🙂"]);
});

test("a character cut off by the end is left out", () => {
  expect(pieces(Buffer.from("ok🙂").subarray(0, 4)).join("")).toBe("ok");
});

test("bytes that never become a character do not hold the text back for ever", () => {
  expect(pieces(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x61])).join("")).toBe(`${"\uFFFD".repeat(5)}a`);
});

test("leading white space goes, inner stays", () => {
  expect(pieces(Buffer.from(" \n Hi  you")).join("")).toBe("Hi  you");
});

test("tokens are decoded after the ones before them", () => {
  const text = new TokenText((tokens, before) => `${before.length === 0 ? "" : " "}${tokens.join("")}`);
  expect([1, 2, 3].map((token) => text.push(token)).join("")).toBe("1 2 3");
});
