import { expect, test } from "vitest";
import { guestRequestIn } from "../../../../src/runtime/dialog/guest-phrases.ts";

test.each([
  ["guest mode on", "on"],
  ["Guest mode, please.", "on"],
  ["this is a guest", "on"],
  ["i am a guest", "on"],
  ["turn off guest mode", "off"],
  ["guest mode off", "off"],
  ["the guests have left", "off"],
  ["turn on the light in the guest room", null],
  ["what is guest mode", null],
  ["", null],
])("%s: %s", (text, change) => {
  expect(guestRequestIn(text)).toBe(change);
});
