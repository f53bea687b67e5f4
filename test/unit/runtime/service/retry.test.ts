import fc from "fast-check";
import { expect, test } from "vitest";
import { backOffMs, retryUntil } from "../../../../src/runtime/service/retry.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const policy = { firstMs: 1000, maxMs: 30_000 };

test("waits 1, 2, 4 s and then gives what succeeded", async () => {
  const clock = new FakeClock();
  const waits: number[] = [];
  let failures = 3;
  const result = retryUntil(
    clock,
    policy,
    new AbortController().signal,
    async () => {
      if (failures-- > 0) throw new Error("not yet");
      return "ready";
    },
    (_error, nextMs) => waits.push(nextMs),
  );
  await clock.advance(7000);
  expect(await result).toBe("ready");
  expect(waits).toEqual([1000, 2000, 4000]);
});

test("ends without a result when aborted while waiting", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const result = retryUntil(
    clock,
    policy,
    stop.signal,
    () => Promise.reject(new Error("never")),
    () => {},
  );
  await clock.advance(500);
  stop.abort();
  expect(await result).toBeUndefined();
  expect(clock.pendingTimers).toBe(0);
});

test("back-off never shrinks and never exceeds its maximum", () => {
  fc.assert(
    fc.property(fc.nat(1000), (attempt) => {
      const wait = backOffMs(policy, attempt);
      return wait <= 30_000 && wait <= backOffMs(policy, attempt + 1);
    }),
  );
});
