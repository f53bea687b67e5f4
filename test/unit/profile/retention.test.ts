import { expect, test } from "vitest";
import { expiryBefore } from "../../../src/profile/retention.ts";

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;
const NOW = 1_000 * DAY;

test("nothing expires while the oldest is younger than 30 days, less the hour until the next look", () => {
  expect(expiryBefore(NOW - 30 * DAY + HOUR + 1, NOW, 30, HOUR)).toBeNull();
});

test("once the oldest is there, everything older than 27 days goes", () => {
  expect(expiryBefore(NOW - 30 * DAY + HOUR, NOW, 30, HOUR)).toBe(NOW - 27 * DAY);
});

test("0 days keep for good, and without interactions there is nothing to do", () => {
  expect(expiryBefore(0, NOW, 0, HOUR)).toBeNull();
  expect(expiryBefore(null, NOW, 30, HOUR)).toBeNull();
});
