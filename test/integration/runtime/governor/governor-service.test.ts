import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../../src/core/errors.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import { GovernorService, type GovernorSettings } from "../../../../src/runtime/governor/governor-service.ts";
import type { GovernorBudget } from "../../../../src/runtime/governor/policy.ts";
import { BoardSampler } from "../../../../src/sensors/board/board-sampler.ts";
import { VirtualBoardBackend } from "../../../../src/sensors/board/virtual-board-backend.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { TEST_POLICY } from "../../../support/governor.ts";
import { makeTempDir, type TempDir } from "../../../support/temp-dir.ts";

interface Rig {
  readonly governor: GovernorService;
  readonly board: VirtualBoardBackend;
  readonly clock: FakeClock;
  readonly budgets: GovernorBudget[];
  readonly problems: Map<ErrorCode, string>;
  /** Calls of onProblem. */
  readonly reports: ErrorCode[];
}

function rigIn(folder: TempDir, settings: Partial<GovernorSettings> = {}): Rig {
  const clock = new FakeClock();
  const board = new VirtualBoardBackend();
  const problems = new Map<ErrorCode, string>();
  const reports: ErrorCode[] = [];
  const governor = new GovernorService(
    {
      policy: TEST_POLICY,
      mode: "auto",
      dailyWh: null,
      intervalMs: 5_000,
      trainingIntervalMs: 500,
      wattsPerThread: 2,
      filePath: folder.join("governor.json"),
      ...settings,
    },
    {
      sampler: new BoardSampler([board], clock),
      clock,
      log: silentLogger,
      onProblem: (code, message) => {
        reports.push(code);
        if (message === null) problems.delete(code);
        else problems.set(code, message);
      },
    },
  );
  const budgets: GovernorBudget[] = [];
  governor.onBudget((budget) => budgets.push(budget));
  return { governor, board, clock, budgets, problems, reports };
}

async function withRig(
  run: (rig: Rig, folder: TempDir) => Promise<void>,
  settings: Partial<GovernorSettings> = {},
): Promise<void> {
  await using folder = await makeTempDir("governor");
  const rig = rigIn(folder, settings);
  expect(rig.governor.budget).toMatchObject({ duty: 0, reason: "starting" });
  await rig.governor.start();
  await run(rig, folder);
  await rig.governor.stop();
  expect(rig.clock.pendingTimers).toBe(0);
}

describe("budget", () => {
  test("stands when the service has started", () =>
    withRig(async ({ governor }) => {
      expect(governor.budget).toMatchObject({ duty: 1, threads: 3, reason: "none" });
    }));

  test("is 0 within one look (500 ms) after mains is pulled while training, and back 30 s after", () =>
    withRig(async ({ governor, board, clock, budgets }) => {
      governor.setTraining(true);
      await clock.advance(60_000);
      board.set({ isOnMains: false });
      await clock.advance(500);
      expect(budgets.at(-1)).toMatchObject({ duty: 0, reason: "on_battery" });
      board.set({ isOnMains: true });
      await clock.advance(29_000);
      expect(governor.budget).toMatchObject({ duty: 0, reason: "settling" });
      await clock.advance(1_000);
      expect(governor.budget).toMatchObject({ duty: 1 });
    }));

  test("while nothing trains the board is looked at every 5 s", () =>
    withRig(async ({ governor, board, clock }) => {
      board.set({ socTempC: 90 });
      await clock.advance(4_999);
      expect(governor.budget.duty).toBe(1);
      await clock.advance(1);
      expect(governor.budget).toMatchObject({ duty: 0, reason: "too_hot" });
    }));

  test("falls to 0 before userActive returns, and is back 5 s after the turn", () =>
    withRig(async ({ governor, clock, budgets }) => {
      budgets.length = 0;
      governor.userActive(true);
      expect(budgets).toMatchObject([{ duty: 0, reason: "user_active" }]);
      governor.userActive(false);
      await clock.advance(4_999);
      expect(governor.budget.duty).toBe(0);
      governor.userActive(true);
      governor.userActive(false);
      await clock.advance(4_999);
      expect(governor.budget.duty).toBe(0);
      await clock.advance(1);
      expect(governor.budget).toMatchObject({ duty: 1, reason: "none" });
      expect(budgets).toHaveLength(2);
    }));

  test("a thermometer that fails stops training and is an alert until it works again", () =>
    withRig(async ({ governor, board, clock, problems }) => {
      board.set({ socTempC: null });
      await clock.advance(5_000);
      expect(governor.budget).toMatchObject({ duty: 0, reason: "temperature_unknown" });
      expect(problems.get("E_SENSOR_FAILED")).toBe("cannot read temperature");
      board.set({ socTempC: 50 });
      await clock.advance(5_000);
      expect(problems.size).toBe(0);
      expect(governor.status.failures).toEqual({ temperature: 1 });
    }));

  test("a weak supply is an alert, raised once", () =>
    withRig(async ({ board, clock, problems, reports }) => {
      board.set({ throttle: { isUnderVoltage: true, isSlowed: false } });
      await clock.advance(60_000);
      expect([...problems.keys()]).toEqual(["E_UNDER_VOLTAGE"]);
      expect(reports).toEqual(["E_UNDER_VOLTAGE"]);
    }));

  test("a handler that throws stops neither the others nor the governor", () =>
    withRig(async ({ governor, board, clock, budgets }) => {
      governor.onBudget(() => {
        throw new Error("defect");
      });
      board.set({ isOnMains: false });
      await clock.advance(5_000);
      expect(budgets.at(-1)).toMatchObject({ duty: 0 });
    }));

  test("no look is taken after the end", async () => {
    await using folder = await makeTempDir("governor");
    const { governor, board, clock } = rigIn(folder);
    await governor.start();
    await governor.stop();
    await governor.stop();
    board.set({ isOnMains: false });
    governor.setTraining(true);
    await clock.advance(60_000);
    expect(governor.budget.duty).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("energy", () => {
  const HOUR_MS = 3_600_000;

  test("an hour of training at 5 W above the idle 3 W is 5 Wh, measured", () =>
    withRig(async ({ governor, board, clock }) => {
      await clock.advance(5_000);
      governor.setTraining(true);
      board.set({ inputPower: { watts: 8, scope: "board" } });
      await clock.advance(HOUR_MS);
      governor.setTraining(false);
      board.set({ inputPower: { watts: 3, scope: "board" } });
      await clock.advance(HOUR_MS);
      expect(governor.status.todayWh).toBeCloseTo(5, 1);
      expect(governor.status.energySource).toBe("measured");
    }));

  test("an hour of turns at 12 W does not count as what the idle board takes", () =>
    withRig(async ({ governor, board, clock }) => {
      await clock.advance(5_000);
      governor.userActive(true);
      board.set({ inputPower: { watts: 12, scope: "board" } });
      await clock.advance(HOUR_MS);
      board.set({ inputPower: { watts: 3, scope: "board" } });
      governor.userActive(false);
      await clock.advance(5_000);
      governor.setTraining(true);
      board.set({ inputPower: { watts: 8, scope: "board" } });
      await clock.advance(HOUR_MS);
      expect(governor.status.todayWh).toBeCloseTo(5, 1);
    }));

  test("without a meter 3 threads of 2 W are 6 Wh an hour, estimated; a frozen trainer takes nothing", () =>
    withRig(async ({ governor, board, clock }) => {
      board.set({ inputPower: null });
      governor.setTraining(true);
      await clock.advance(HOUR_MS);
      expect(governor.status.todayWh).toBeCloseTo(6, 1);
      expect(governor.status.energySource).toBe("estimated");
      governor.userActive(true);
      await clock.advance(HOUR_MS);
      expect(governor.status.todayWh).toBeCloseTo(6, 1);
    }));

  test("an allowance of 1 Wh ends training for the day; midnight gives a new one", () =>
    withRig(
      async ({ governor, board, clock, budgets }) => {
        board.set({ inputPower: null });
        governor.setTraining(true);
        await clock.advance(HOUR_MS);
        expect(governor.budget).toMatchObject({ duty: 0, reason: "energy_spent" });
        expect(governor.status.todayWh).toBeCloseTo(1, 2);
        budgets.length = 0;
        await clock.advance(24 * HOUR_MS);
        expect(budgets.map(({ duty, reason }) => [duty, reason])).toEqual([
          [1, "none"],
          [0, "energy_spent"],
        ]);
        expect(governor.status.todayWh).toBeCloseTo(1, 2);
      },
      { dailyWh: 1, trainingIntervalMs: 5_000 },
    ));

  test("energy, mode and allowance are the same after a restart", async () => {
    await using folder = await makeTempDir("governor");
    const first = rigIn(folder);
    await first.governor.start();
    first.board.set({ inputPower: null });
    first.governor.setTraining(true);
    await first.clock.advance(HOUR_MS);
    await first.governor.setMode("quiet");
    await first.governor.setDailyWh(7);
    await first.governor.stop();
    const second = rigIn(folder);
    await second.governor.start();
    expect(second.governor.status).toMatchObject({ mode: "quiet", dailyWh: 7, energySource: "estimated" });
    expect(second.governor.status.todayWh).toBeCloseTo(6, 1);
    expect(second.governor.budget).toMatchObject({ duty: 0.5, threads: 2 });
    await second.governor.stop();
  });

  test("the file is written every 10 min, not with every look", async () => {
    await withRig(async ({ clock }, folder) => {
      await clock.advance(599_000);
      await expect(readFile(folder.join("governor.json"), "utf8")).rejects.toThrow("ENOENT");
    });
  });

  test.each([
    "",
    "{",
    '{"v":2}',
    '{"v":1,"energy":{"day":null,"measuredJ":-1,"estimatedJ":0,"countedMs":0},"mode":null}',
  ])("a damaged file (%s) is replaced and keeps nobody from starting", async (text) => {
    await using folder = await makeTempDir("governor");
    await writeFile(folder.join("governor.json"), text);
    const { governor } = rigIn(folder);
    await governor.start();
    expect(governor.budget.duty).toBe(1);
    await governor.stop();
    expect(JSON.parse(await readFile(folder.join("governor.json"), "utf8"))).toMatchObject({ v: 1 });
  });

  test("a folder that cannot be written fails the order with a code, which holds all the same", async () => {
    await using folder = await makeTempDir("governor");
    const { governor } = rigIn(folder, { filePath: folder.join("missing", "governor.json") });
    await governor.start();
    await expect(governor.setMode("quiet")).rejects.toMatchObject({ code: "E_FILE_UNWRITABLE" });
    expect(governor.budget).toMatchObject({ duty: 0.5 });
    await governor.stop();
  });
});
