import { describe, expect, test } from "vitest";
import { FIRST_QUERY, Fleet, type FleetQuery } from "../../../src/dashboard/model/fleet.ts";

function fleetOf(devices: Readonly<Record<string, Readonly<Record<string, object | string>>>>): Fleet {
  const fleet = new Fleet();
  for (const [id, topics] of Object.entries(devices)) {
    for (const [path, payload] of Object.entries(topics)) {
      fleet.accept(id, path, typeof payload === "string" ? payload : JSON.stringify(payload), 0);
    }
  }
  return fleet;
}

const online = (phase: string, temp: number | null) => ({
  availability: "online",
  state: { phase },
  power: { soc_temp_c: temp, duty: 1 },
});

const ids = (fleet: Fleet, query: Partial<FleetQuery>) => fleet.rows({ ...FIRST_QUERY, ...query }).map(({ id }) => id);

describe("the fleet's table", () => {
  const fleet = fleetOf({
    a: online("idle", 50),
    b: { ...online("training", 70), "alert/E_MIC_LOST": { message: "Mic lost" } },
    c: { ...online("idle", null), info: { board: "rpi5", version: "0.1.0" } },
    d: { availability: "offline", state: { phase: "idle" } },
  });

  test("devices with alerts come first", () => {
    expect(ids(fleet, {})).toEqual(["b", "a", "c", "d"]);
  });

  test("sorts both ways, and what was not measured is last in both", () => {
    expect(ids(fleet, { sortBy: "tempC", isDescending: false })).toEqual(["a", "b", "c", "d"]);
    expect(ids(fleet, { sortBy: "tempC", isDescending: true })).toEqual(["b", "a", "c", "d"]);
  });

  test("filters by text, state and alerts", () => {
    expect(ids(fleet, { text: "RPI" })).toEqual(["c"]);
    expect(ids(fleet, { text: "mic lost" })).toEqual(["b"]);
    expect(ids(fleet, { phase: "offline" })).toEqual(["d"]);
    expect(ids(fleet, { onlyAlerts: true })).toEqual(["b"]);
  });

  test("counts devices by state", () => {
    expect(Object.fromEntries(fleet.phases())).toEqual({ idle: 2, training: 1, offline: 1 });
  });
});

test("rows of unchanged devices stay the same objects, so that only what changed is drawn", () => {
  const fleet = fleetOf({ a: online("idle", 50), b: online("idle", 60) });
  const query = { ...FIRST_QUERY, sortBy: "id", isDescending: false } as const;
  const before = fleet.rows(query);
  fleet.accept("a", "state", JSON.stringify({ phase: "speaking" }), 0);
  const after = fleet.rows(query);
  expect(after[0]?.phase).toBe("speaking");
  expect(after[1]).toBe(before[1]);
});

test("a device whose retained topics were all deleted leaves the fleet", () => {
  const fleet = fleetOf({ a: online("idle", 50) });
  for (const path of ["availability", "state", "power"]) fleet.accept("a", path, "", 0);
  expect(fleet.size).toBe(0);
});
