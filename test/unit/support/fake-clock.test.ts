import { expect, test } from "vitest";
import { delay, withDeadline } from "../../../src/core/clock.ts";
import { isAppError } from "../../../src/core/errors.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("runs timers in time order, each at its own instant, also those set by timers", async () => {
  const clock = new FakeClock();
  const fired: [string, number][] = [];
  clock.after(30, () => fired.push(["late", clock.monotonicMs()]));
  clock.after(10, () => {
    fired.push(["early", clock.monotonicMs()]);
    clock.after(5, () => fired.push(["nested", clock.monotonicMs()]));
  });
  await clock.advance(20);
  expect(fired).toEqual([
    ["early", 10],
    ["nested", 15],
  ]);
  expect(clock.pendingTimers).toBe(1);
  expect(clock.nextTimerMs).toBe(10);
  await clock.advance(10);
  expect(fired.at(-1)).toEqual(["late", 30]);
});

test("a loop that awaits delay() advances through several rounds in one call", async () => {
  const clock = new FakeClock();
  const ticks: number[] = [];
  const loop = (async () => {
    for (let i = 0; i < 3; i++) {
      await delay(clock, 100);
      ticks.push(clock.monotonicMs());
    }
  })();
  await clock.advance(300);
  await loop;
  expect(ticks).toEqual([100, 200, 300]);
});

test("a cancelled timer never fires and a wall clock jump moves no timer", async () => {
  const clock = new FakeClock();
  let fired = 0;
  const cancel = clock.after(10, () => fired++);
  cancel();
  cancel();
  clock.after(50, () => fired++);
  const before = clock.now();
  clock.jumpWallClock(3_600_000);
  expect(clock.now() - before).toBe(3_600_000);
  await clock.advance(49);
  expect(fired).toBe(0);
  await clock.advance(1);
  expect(fired).toBe(1);
});

test("withDeadline fails with E_TIMEOUT at the deadline and leaves no timer behind on success", async () => {
  const clock = new FakeClock();
  const late = withDeadline(clock, 1_000, "the answer", new Promise<never>(() => {})).catch((error: unknown) => error);
  await clock.advance(1_000);
  expect(isAppError(await late, "E_TIMEOUT")).toBe(true);
  await withDeadline(clock, 1_000, "the answer", Promise.resolve(1));
  expect(clock.pendingTimers).toBe(0);
});
