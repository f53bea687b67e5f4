import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../../src/sensors/board/virtual-clock.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const never = () => false;

/** Moves the machine's time on until the skip is over; returns how much of it that took. */
async function machineTimeOf(base: FakeClock, skipping: Promise<void>): Promise<number> {
  const fromMs = base.monotonicMs();
  let isOver = false;
  const over = skipping.finally(() => {
    isOver = true;
  });
  for (; !isOver && base.monotonicMs() - fromMs < 2 * HOUR_MS; ) await base.advance(1);
  await over;
  return base.monotonicMs() - fromMs;
}

describe("time on the virtual board", () => {
  test("is the machine's: a timer of 5 s is called after 5 s, a cancelled one never", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const called: string[] = [];
    clock.after(5_000, () => called.push("5 s"));
    clock.after(5_000, () => called.push("cancelled"))();
    await base.advance(4_999);
    expect(called).toEqual([]);
    await base.advance(1);
    expect(called).toEqual(["5 s"]);
    expect([clock.now(), clock.monotonicMs()]).toEqual([base.now(), base.monotonicMs()]);
    expect(base.pendingTimers).toBe(0);
  });

  test("is ahead of it by what it was told at its start", () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base, HOUR_MS);
    expect(clock.now() - base.now()).toBe(HOUR_MS);
    expect(clock.monotonicMs() - base.monotonicMs()).toBe(HOUR_MS);
  });

  test("an hour skipped takes 3.6 s of the machine's, and a round every 5 s comes 720 times, each at its instant", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const atMs: number[] = [];
    const round = () => {
      atMs.push(clock.monotonicMs());
      clock.after(5_000, round);
    };
    clock.after(5_000, round);
    const wallMs = clock.now();
    expect(await machineTimeOf(base, clock.skip(HOUR_MS, never))).toBeCloseTo(3_600, -1);
    expect(atMs).toHaveLength(720);
    expect(Math.max(...atMs.map((ms, n) => Math.abs(ms - (n + 1) * 5_000)))).toBeLessThan(1);
    expect(clock.now() - wallMs).toBeCloseTo(HOUR_MS, -1);
  });

  test("its wall clock shows whole milliseconds, as the machine's does", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    clock.after(0.25, () => {});
    await machineTimeOf(base, clock.skip(0.5, never));
    expect(Number.isInteger(clock.now())).toBe(true);
  });

  test("timers that fall due in a skip are called in the order of their instants", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const called: string[] = [];
    clock.after(900, () => called.push("900 ms"));
    clock.after(300, () => {
      called.push("300 ms");
      clock.after(300, () => called.push("600 ms"));
    });
    await machineTimeOf(base, clock.skip(1_000, never));
    expect(called).toEqual(["300 ms", "600 ms", "900 ms"]);
  });

  test("goes at the machine's speed while something works", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    expect(
      await machineTimeOf(
        base,
        clock.skip(3_000, () => base.monotonicMs() < 1_000),
      ),
    ).toBeCloseTo(1_002, 0);
  });

  test("work that begins by a timer in a skip begins at that timer's instant, and time stops leaping", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    let isBusy = false;
    clock.after(60_000, () => {
      isBusy = true;
      clock.after(500, () => {
        isBusy = false;
      });
    });
    const tookMs = await machineTimeOf(
      base,
      clock.skip(120_000, () => isBusy),
    );
    expect(tookMs).toBeGreaterThan(500 + 118);
    expect(tookMs).toBeLessThan(500 + 122);
  });

  test("what waits after a skip is called when its time has come", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const called: string[] = [];
    clock.after(60_000, () => called.push("a minute"));
    await machineTimeOf(base, clock.skip(59_000, never));
    await base.advance(900);
    expect(called).toEqual([]);
    await base.advance(200);
    expect(called).toEqual(["a minute"]);
  });

  test("a second skip at the same time is E_REQUEST_BUSY, an aborted one E_ABORTED, and time goes on as before", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const called: string[] = [];
    clock.after(1_000, () => called.push("a second"));
    const stop = new AbortController();
    const skipping = clock.skip(HOUR_MS, () => true, stop.signal);
    await expect(clock.skip(1, never)).rejects.toMatchObject({ code: "E_REQUEST_BUSY" });
    stop.abort();
    await expect(skipping).rejects.toMatchObject({ code: "E_ABORTED" });
    await base.advance(1_000);
    expect(called).toEqual(["a second"]);
  });

  test("a jump sets the wall clock both ways and nothing else", async () => {
    const base = new FakeClock();
    const clock = new VirtualClock(base);
    const called: string[] = [];
    clock.after(1_000, () => called.push("a second"));
    clock.jump(-24 * HOUR_MS);
    expect(clock.now() - base.now()).toBe(-24 * HOUR_MS);
    clock.jump(48 * HOUR_MS);
    expect(clock.now() - base.now()).toBe(24 * HOUR_MS);
    expect(clock.monotonicMs()).toBe(base.monotonicMs());
    await base.advance(1_000);
    expect(called).toEqual(["a second"]);
  });
});
