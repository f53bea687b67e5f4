import { expect, test } from "vitest";
import { historyAfter, NO_HISTORY, upTo, WINDOW_S, withGap } from "../../../src/dashboard/model/history.ts";

const power = (temp: number | null) => JSON.stringify({ soc_temp_c: temp, input_w: 3, duty: 0.5 });

test("readings become columns of equal length, duty in per cent", () => {
  const history = historyAfter(historyAfter(NO_HISTORY, "power", power(50), 1_000), "power", power(null), 6_000);
  expect(history).toMatchObject({ timesS: [1, 6], tempC: [50, null], inputW: [3, 3], dutyPct: [50, 50] });
});

test("what is older than the window, or more than fits, is dropped", () => {
  let history = NO_HISTORY;
  for (let i = 0; i < 2_000; i += 1) history = historyAfter(history, "power", power(i), i * 5_000);
  const { timesS, tempC } = history;
  expect(timesS).toHaveLength(720);
  expect((timesS.at(-1) ?? 0) - (timesS[0] ?? 0)).toBeLessThanOrEqual(WINDOW_S);
  expect(tempC.at(-1)).toBe(1_999);
});

test("times rise even when the clock is set back", () => {
  const history = historyAfter(historyAfter(NO_HISTORY, "power", power(50), 9_000), "power", power(51), 2_000);
  expect(history.timesS[1]).toBeGreaterThan(history.timesS[0] ?? 0);
});

test("the last reading holds until now; after silence there is a gap", () => {
  const history = historyAfter(NO_HISTORY, "power", power(50), 1_000);
  expect(upTo(history, 61_000)).toMatchObject({ timesS: [1, 61], tempC: [50, 50] });
  expect(withGap(history, 61_000).tempC).toEqual([50, null]);
});

test("passes of one job are one curve; another job begins a new one", () => {
  const step = (job: string, loss: number, n: number) => JSON.stringify({ job, step: n, steps: 2, loss });
  let history = NO_HISTORY;
  for (const [loss, n] of [
    [3, 1],
    [2, 2],
    [1.5, 1],
  ] as const)
    history = historyAfter(history, "training/metrics", step("j_1", loss, n), 0);
  expect(history).toMatchObject({ steps: [1, 2, 3], losses: [3, 2, 1.5] });
  expect(historyAfter(history, "training/metrics", step("j_2", 9, 1), 0)).toMatchObject({ steps: [1], losses: [9] });
});
