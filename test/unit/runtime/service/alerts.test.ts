import { expect, test } from "vitest";
import { Alerts } from "../../../../src/runtime/service/alerts.ts";

test("tells of an alert once, keeps its since, and tells when it is solved", () => {
  let nowMs = 1000;
  const alerts = new Alerts(
    () => nowMs,
    () => {},
  );
  const heard: (number | null)[] = [];
  alerts.onChange(({ alert }) => heard.push(alert?.sinceMs ?? null));
  alerts.raise("E_MIC_UNAVAILABLE", "arecord was not found");
  alerts.raise("E_MIC_UNAVAILABLE", "arecord was not found");
  nowMs = 2000;
  alerts.raise("E_MIC_UNAVAILABLE", "the device is busy");
  expect(alerts.standing).toHaveLength(1);
  alerts.clear("E_MIC_UNAVAILABLE");
  alerts.clear("E_MIC_UNAVAILABLE");
  expect(heard).toEqual([1000, 1000, null]);
});
