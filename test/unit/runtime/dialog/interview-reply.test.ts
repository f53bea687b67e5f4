import { expect, test } from "vitest";
import { replyIn } from "../../../../src/runtime/dialog/interview-reply.ts";

test.each([
  ["yes", "yes"],
  ["Yes, please.", "yes"],
  ["yes you may", "yes"],
  ["of course", "yes"],
  ["no", "no"],
  ["No, thank you.", "no"],
  ["no you may not", "no"],
  ["not now", "later"],
  ["maybe later", "later"],
  ["what", "repeat"],
  ["say that again", "repeat"],
])("%s is %s", (text, reply) => {
  expect(replyIn(text)).toBe(reply);
});

test.each([
  "okay",
  "fine",
  "",
  "turn on the lights",
  "yes or no",
  "or no whichever you like",
  "yes turn on the lights",
])("%s is no answer", (text) => {
  expect(replyIn(text)).toBe("other");
});
