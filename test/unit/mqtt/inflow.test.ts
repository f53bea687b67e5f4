import { expect, test } from "vitest";
import { Inflow } from "../../../src/runtime/mqtt/inflow.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Passes `count` messages, each when the one before is done; when each was, ms from the start. */
async function passed(clock: FakeClock, inflow: Inflow, count: number): Promise<number[]> {
  const startMs = clock.monotonicMs();
  const doneAtMs: number[] = [];
  const next = () => {
    if (doneAtMs.length === count) return;
    inflow.pass(() => {
      doneAtMs.push(clock.monotonicMs() - startMs);
      next();
    });
  };
  next();
  await clock.advance(60_000);
  return doneAtMs;
}

test("50 messages pass at once, then 200 a second", async () => {
  const clock = new FakeClock();
  const doneAtMs = await passed(clock, new Inflow(clock), 450);
  expect(doneAtMs.slice(0, 50).every((ms) => ms === 0)).toBe(true);
  expect(doneAtMs[50]).toBeGreaterThan(0);
  expect(doneAtMs.at(-1)).toBeGreaterThanOrEqual(1_999);
  expect(doneAtMs.at(-1)).toBeLessThan(2_100);
});

test("after a quiet time as many pass at once again, and no timer is left", async () => {
  const clock = new FakeClock();
  const inflow = new Inflow(clock);
  await passed(clock, inflow, 60);
  expect(clock.pendingTimers).toBe(0);
  expect((await passed(clock, inflow, 50)).at(-1)).toBe(0);
});
