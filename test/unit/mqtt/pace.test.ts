import { expect, test } from "vitest";
import { Pace } from "../../../src/runtime/mqtt/pace.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("the first wish acts at once, those of the next 2 s are one act when they are over", async () => {
  const clock = new FakeClock();
  const actedAt: number[] = [];
  const startMs = clock.monotonicMs();
  const pace = new Pace(clock, 2_000, () => actedAt.push(clock.monotonicMs() - startMs));
  pace.wish();
  await clock.advance(0);
  await clock.advance(500);
  pace.wish();
  pace.wish();
  await clock.advance(5_000);
  pace.wish();
  await clock.advance(0);
  expect(actedAt).toEqual([0, 2_000, 5_500]);
});

test("stopped, a wish that waits is dropped and no timer is left", async () => {
  const clock = new FakeClock();
  let acts = 0;
  const pace = new Pace(clock, 2_000, () => {
    acts += 1;
  });
  pace.wish();
  pace.stop();
  await clock.advance(10_000);
  expect([acts, clock.pendingTimers]).toEqual([0, 0]);
});
