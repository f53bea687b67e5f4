import fc from "fast-check";
import { expect, test } from "vitest";
import { type LedSign, ledAt } from "../../../src/sensors/led-pattern.ts";

const SIGNS: readonly LedSign[] = ["idle", "listening", "thinking", "speaking", "training", "fault"];

/** Instants of the first `ms` at which the light goes on (+) or off (-). */
function changes(sign: LedSign, ms: number): string {
  const seen: string[] = [];
  let last = false;
  for (let at = 0; at < ms; ) {
    const { on, remainsMs } = ledAt(sign, at);
    if (on !== last) seen.push(`${on ? "+" : "-"}${at}`);
    last = on;
    at += remainsMs;
  }
  return seen.join(" ");
}

test.each([
  ["idle", ""],
  ["listening", "+0"],
  ["thinking", "+0 -125 +250 -375 +500 -625 +750 -875"],
  ["speaking", "+0 -500"],
  ["training", "+0 -100 +250 -350"],
  ["fault", "+0 -80 +200 -280"],
] as const)("%s is %j in its first second", (sign, expected) => {
  expect(changes(sign, 1000)).toBe(expected);
});

test("fault flashes twice a second for ever, training beats every 2 s", () => {
  expect(changes("fault", 2000)).toBe("+0 -80 +200 -280 +1000 -1080 +1200 -1280");
  expect(changes("training", 4000)).toBe("+0 -100 +250 -350 +2000 -2100 +2250 -2350");
});

test("the light never changes before the time it says it stays", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SIGNS), fc.integer({ min: 0, max: 100_000 }), (sign, at) => {
      const { on, remainsMs } = ledAt(sign, at);
      expect(remainsMs).toBeGreaterThan(0);
      if (remainsMs === Number.POSITIVE_INFINITY) return;
      expect(ledAt(sign, at + remainsMs - 1).on).toBe(on);
      expect(ledAt(sign, at + remainsMs).on).toBe(!on);
    }),
  );
});
