import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { CONSENT_WORDING } from "../../../src/profile/consent-wording.ts";
import { CONSENT_PURPOSES } from "../../../src/profile/ports.ts";

/** Hash of the words by version. A consent is worth what its words were: new words are a new version and a new row here. */
const HASHES: Readonly<Record<number, string>> = {
  1: "e7f9c9d09bf1034b",
};

function hashOf(version: number): string {
  return createHash("sha256")
    .update(JSON.stringify({ ...CONSENT_WORDING, version }))
    .digest("hex")
    .slice(0, 16);
}

test("the words are those of their version, and a changed word is noticed", () => {
  const { version } = CONSENT_WORDING;
  expect(hashOf(version)).toBe(HASHES[version]);
  expect(hashOf(version + 1)).not.toBe(HASHES[version]);
});

test("every purpose says what it is for, what is kept and what happens without it", () => {
  for (const purpose of CONSENT_PURPOSES) {
    const { title, use, kept, without } = CONSENT_WORDING.purposes[purpose];
    expect(Math.min(...[title, use, kept, without].map((text) => text.length))).toBeGreaterThan(5);
  }
});

test("no spoken question ends in what could be heard as its own answer", () => {
  for (const question of Object.values(CONSENT_WORDING.questions)) expect(question).toMatch(/whichever you like\.$/);
});
