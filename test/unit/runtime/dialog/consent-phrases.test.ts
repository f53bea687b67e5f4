import { expect, test } from "vitest";
import { consentRequestIn } from "../../../../src/runtime/dialog/consent-phrases.ts";

test.each([
  ["you may remember what i say", { purpose: "store", granted: true }],
  ["Yes, you can learn from me.", { purpose: "train", granted: true }],
  ["stop remembering what I say", { purpose: "store", granted: false }],
  ["please don't learn from my words", { purpose: "train", granted: false }],
])("%s", (utterance, request) => {
  expect(consentRequestIn(utterance)).toEqual(request);
});

test.each(["do you think you may remember what i say", "remember to buy milk", "", "you may remember"])(
  "is no consent: %s",
  (utterance) => {
    expect(consentRequestIn(utterance)).toBeNull();
  },
);
