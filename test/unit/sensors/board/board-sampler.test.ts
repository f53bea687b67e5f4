import { expect, test } from "vitest";
import { BoardSampler } from "../../../../src/sensors/board/board-sampler.ts";
import type { BoardBackend, BoardProbes } from "../../../../src/sensors/board/ports.ts";
import { VirtualBoardBackend } from "../../../../src/sensors/board/virtual-board-backend.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function backend(probes: BoardProbes, isMatching = true): BoardBackend {
  return { name: "test", matches: async () => isMatching, discover: async () => probes };
}

test("the virtual board says what it is told to", async () => {
  const sensors = new VirtualBoardBackend();
  const sampler = new BoardSampler([sensors], new FakeClock());
  expect(await sampler.sample()).toMatchObject({
    readings: { socTempC: 45, isOnMains: true, battery: null },
    failed: [],
  });
  sensors.set({ socTempC: 82.5, isOnMains: false, battery: { percent: 40, isDischarging: true } });
  expect(await sampler.sample()).toMatchObject({
    readings: { socTempC: 82.5, isOnMains: false, battery: { percent: 40 } },
    failed: [],
  });
  sensors.set({ socTempC: null, isOnMains: null });
  expect(await sampler.sample()).toMatchObject({ readings: { socTempC: null }, failed: ["temperature", "mains"] });
});

test("a probe that hangs has failed after 2 s, is not asked again meanwhile, and is back when it answers", async () => {
  const clock = new FakeClock();
  let asked = 0;
  let answer = (_: number) => {};
  const temperature = () => {
    asked += 1;
    return new Promise<number>((resolve) => {
      answer = resolve;
    });
  };
  const sampler = new BoardSampler([backend({ temperature, mains: async () => true })], clock);
  const first = sampler.sample();
  await clock.advance(2_000);
  expect(await first).toMatchObject({ readings: { socTempC: null, isOnMains: true }, failed: ["temperature"] });
  expect((await sampler.sample()).failed).toEqual(["temperature"]);
  expect(asked).toBe(1);
  answer(50);
  await clock.advance(0);
  const again = sampler.sample();
  await clock.advance(0);
  answer(51);
  expect(await again).toMatchObject({ readings: { socTempC: 51 }, failed: [] });
  expect(sampler.failures.get("temperature")).toBe(2);
  expect(clock.pendingTimers).toBe(0);
});

test("takes the first backend that matches", async () => {
  const sampler = new BoardSampler(
    [backend({ temperature: async () => 1 }, false), backend({ temperature: async () => 2 })],
    new FakeClock(),
  );
  expect((await sampler.sample()).readings.socTempC).toBe(2);
});

test("a backend that cannot even look around throws nothing and is asked again after 60 s", async () => {
  const clock = new FakeClock();
  let looks = 0;
  const late: BoardBackend = {
    name: "late",
    matches: async () => true,
    discover: async () => {
      looks += 1;
      if (looks === 1) throw new Error("no sysfs yet");
      return { temperature: async () => 40 };
    },
  };
  const sampler = new BoardSampler([late], clock);
  expect((await sampler.sample()).readings.socTempC).toBeNull();
  await clock.advance(59_999);
  expect((await sampler.sample()).readings.socTempC).toBeNull();
  await clock.advance(1);
  expect((await sampler.sample()).readings.socTempC).toBe(40);
});

test("a board that works is looked over again after 10 min only", async () => {
  const clock = new FakeClock();
  let looks = 0;
  const counting: BoardBackend = {
    name: "counting",
    matches: async () => true,
    discover: async () => {
      looks += 1;
      return { temperature: async () => 40 };
    },
  };
  const sampler = new BoardSampler([counting], clock);
  for (let minute = 0; minute <= 10; minute += 1) {
    await sampler.sample();
    await clock.advance(60_000);
  }
  expect(looks).toBe(2);
});
