import * as v from "valibot";
import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { GovernorService } from "../../../../src/runtime/governor/governor-service.ts";
import { powerPayload } from "../../../../src/runtime/mqtt/payloads.ts";
import { publishPower } from "../../../../src/runtime/service/governor-bindings.ts";
import { BoardSampler } from "../../../../src/sensors/board/board-sampler.ts";
import { VirtualBoardBackend } from "../../../../src/sensors/board/virtual-board-backend.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { TEST_POLICY } from "../../../support/governor.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

interface Sent {
  readonly atMs: number;
  readonly payload: v.InferOutput<typeof powerPayload>;
}

async function withTopic(run: (rig: { board: VirtualBoardBackend; clock: FakeClock; sent: Sent[] }) => Promise<void>) {
  await using folder = await makeTempDir("power");
  const clock = new FakeClock();
  const board = new VirtualBoardBackend();
  const governor = new GovernorService(
    {
      policy: TEST_POLICY,
      mode: "auto",
      dailyWh: 24,
      intervalMs: 500,
      trainingIntervalMs: 500,
      wattsPerThread: 2,
      filePath: folder.join("governor.json"),
    },
    { sampler: new BoardSampler([board], clock), clock, log: silentLogger, onProblem: () => {} },
  );
  const sent: Sent[] = [];
  const stop = publishPower({
    governor,
    clock,
    publisher: {
      publish: (topic, payload) => {
        expect(topic).toBe("power");
        sent.push({ atMs: clock.monotonicMs(), payload: v.parse(powerPayload, payload) });
      },
    },
  });
  await governor.start();
  await clock.advance(0);
  await run({ board, clock, sent });
  stop();
  await governor.stop();
  expect(clock.pendingTimers).toBe(0);
}

test("the first reading is published at once, and a board on which nothing changes is silent", () =>
  withTopic(async ({ clock, sent }) => {
    expect(sent).toMatchObject([{ payload: { duty: 1, reason: "none", socTempC: 45, mains: true, dailyWh: 24 } }]);
    await clock.advance(600_000);
    expect(sent).toHaveLength(1);
  }));

test("a change after a quiet time is published with the next look, 500 ms later", () =>
  withTopic(async ({ board, clock, sent }) => {
    await clock.advance(60_000);
    board.set({ isOnMains: false });
    await clock.advance(500);
    expect(sent.at(-1)).toMatchObject({ atMs: 60_500, payload: { duty: 0, reason: "on_battery", mains: false } });
  }));

test("a temperature that changes with every look is published once in 5 s, and the last word stays", () =>
  withTopic(async ({ board, clock, sent }) => {
    for (let look = 0; look < 60; look += 1) {
      board.set({ socTempC: 40 + (look % 20) });
      await clock.advance(500);
    }
    const gaps = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    expect(sent.length).toBeGreaterThanOrEqual(6);
    await clock.advance(10_000);
    expect(sent.at(-1)?.payload.socTempC).toBe(59);
  }));

test("failed probes are named and their readings null", () =>
  withTopic(async ({ board, clock, sent }) => {
    board.set({ socTempC: null, throttle: null });
    await clock.advance(10_000);
    expect(sent.at(-1)?.payload).toMatchObject({
      socTempC: null,
      underVoltage: null,
      failed: ["temperature", "throttle"],
      duty: 0,
      reason: "temperature_unknown",
    });
  }));

test("a temperature that trembles by 0.2 °C is no news", () =>
  withTopic(async ({ board, clock, sent }) => {
    for (const socTempC of [45.1, 44.9, 45.2, 44.8]) {
      board.set({ socTempC });
      await clock.advance(10_000);
    }
    expect(sent).toHaveLength(1);
  }));
