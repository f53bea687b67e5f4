import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { Alerts } from "../../../../src/runtime/service/alerts.ts";
import { ClockWatch } from "../../../../src/runtime/service/clock-watch.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

async function watched() {
  const clock = new FakeClock();
  const alerts = new Alerts(
    () => clock.now(),
    () => {},
  );
  const watch = new ClockWatch({ alerts, clock, log: silentLogger });
  await watch.start();
  return { clock, watch, standing: () => alerts.standing.map(({ code, message }) => `${code}: ${message}`) };
}

test.each([
  [400 * 86_400_000, "E_CLOCK_SET: the clock was set forward by 34560000 s"],
  [-2 * 3_600_000, "E_CLOCK_SET: the clock was set back by 7200 s"],
])("a wall clock set by %d ms is an alert until it has run evenly for an hour", async (byMs, alert) => {
  const { clock, standing } = await watched();
  await clock.advance(600_000);
  expect(standing()).toEqual([]);
  clock.jumpWallClock(byMs);
  await clock.advance(60_000);
  expect(standing()).toEqual([alert]);
  await clock.advance(3_540_000);
  expect(standing()).toEqual([alert]);
  await clock.advance(60_000);
  expect(standing()).toEqual([]);
});

test("what a time server corrects, here 4 minutes, is none", async () => {
  const { clock, standing } = await watched();
  clock.jumpWallClock(240_000);
  await clock.advance(120_000);
  expect(standing()).toEqual([]);
});

test("set once more within the hour, it stands for an hour from then on", async () => {
  const { clock, standing } = await watched();
  clock.jumpWallClock(7_200_000);
  await clock.advance(1_800_000);
  clock.jumpWallClock(-7_200_000);
  await clock.advance(3_600_000);
  expect(standing()).toEqual(["E_CLOCK_SET: the clock was set back by 7200 s"]);
  await clock.advance(120_000);
  expect(standing()).toEqual([]);
});

test("a stopped one leaves no timer", async () => {
  const { clock, watch } = await watched();
  await watch.stop();
  expect(clock.pendingTimers).toBe(0);
});
