import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { generationOf, seal, unseal } from "../../../src/profile/envelope.ts";

const key = new Uint8Array(32).fill(7);
const place = { table: "facts", column: "sealed_fact", rowId: "f_1" };
const plain = Buffer.from("the user is allergic to nuts");

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return isAppError(error) ? error.code : "not ours";
  }
}

describe("envelope", () => {
  test("gives back any bytes, also none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        return Buffer.compare(unseal(key, place, seal(key, place, bytes)), bytes) === 0;
      }),
    );
  });

  test("sealing twice gives different bytes, and neither holds the text", () => {
    const [one, two] = [seal(key, place, plain), seal(key, place, plain)];
    expect(Buffer.from(one).equals(two)).toBe(false);
    expect(Buffer.from(one).includes("nuts")).toBe(false);
  });

  test("does not open with another key, in another row, column or table", () => {
    const envelope = seal(key, place, plain);
    const other = Uint8Array.from(key, (byte) => byte ^ 1);
    expect(codeOf(() => unseal(other, place, envelope))).toBe("E_KEY_MISMATCH");
    for (const moved of [{ rowId: "f_2" }, { column: "sealed_input" }, { table: "signals" }]) {
      expect(codeOf(() => unseal(key, { ...place, ...moved }, envelope))).toBe("E_KEY_MISMATCH");
    }
  });

  test("does not confuse (ab, c) with (a, bc)", () => {
    const envelope = seal(key, { table: "ab", column: "c", rowId: "1" }, plain);
    expect(codeOf(() => unseal(key, { table: "a", column: "bc", rowId: "1" }, envelope))).toBe("E_KEY_MISMATCH");
  });

  test("does not open when any bit was changed, or cut short", () => {
    const envelope = seal(key, place, plain);
    for (let i = 1; i < envelope.length; i++) {
      const changed = Uint8Array.from(envelope, (byte, at) => (at === i ? byte ^ 4 : byte));
      expect(codeOf(() => unseal(key, place, changed))).toBe("E_KEY_MISMATCH");
    }
    for (const length of [1, 12, 28, envelope.length - 1]) {
      expect(codeOf(() => unseal(key, place, envelope.subarray(0, length)))).toBe("E_KEY_MISMATCH");
    }
  });

  test("a later key's generation is in the envelope and authenticated with it", () => {
    const envelope = seal(key, place, plain, 300);
    expect([generationOf(seal(key, place, plain)), generationOf(envelope)]).toEqual([0, 300]);
    expect(unseal(key, place, envelope)).toEqual(plain);
    const renamed = Uint8Array.from(envelope, (byte, at) => (at === 2 ? byte ^ 1 : byte));
    expect(codeOf(() => unseal(key, place, renamed))).toBe("E_KEY_MISMATCH");
  });

  test("an envelope of version 3 or of no bytes is E_DB_FROM_FUTURE", () => {
    expect(codeOf(() => unseal(key, place, Uint8Array.of(3, 0, 0)))).toBe("E_DB_FROM_FUTURE");
    expect(codeOf(() => unseal(key, place, new Uint8Array(0)))).toBe("E_DB_FROM_FUTURE");
  });
});
