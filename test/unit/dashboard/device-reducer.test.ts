import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Device, MAX_ACTIVITIES, unknownDevice } from "../../../src/dashboard/model/device.ts";
import { deviceAfter, forgetRetained } from "../../../src/dashboard/model/device-reducer.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function heard(device: Device, ...messages: readonly (readonly [path: string, payload: object | string])[]): Device {
  return messages.reduce(
    (known, [path, payload]) =>
      deviceAfter(known, path, typeof payload === "string" ? payload : JSON.stringify(payload), NOW_MS),
    device,
  );
}

describe("what a device says becomes what the page shows", () => {
  test("state, with its time", () => {
    const { state } = heard(unknownDevice("d"), [
      "state",
      {
        phase: "speaking",
        since: "2026-01-02T03:04:00.000Z",
        mic_muted: true,
        learning_enabled: false,
        profile: "p_1",
      },
    ]);
    expect(state).toEqual({
      phase: "speaking",
      sinceMs: NOW_MS - 5_000,
      fault: null,
      isMuted: true,
      isLearning: false,
      profileId: "p_1",
    });
  });

  test("an adapter that is the base alone, and its versions newest first", () => {
    const gate = { base_loss: 3, candidate_loss: 2, general_rise_pct: 1, passed: true, reasons: [] };
    const version = (name: string) => ({ version: name, state: "active", kind: "full", usable: true, gate });
    const { adapter } = heard(unknownDevice("d"), [
      "adapter",
      { installed_version: "base", rollback_version: null, versions: [version("a_1"), version("a_2")] },
    ]);
    expect(adapter?.installed).toBeNull();
    expect(adapter?.versions.map((each) => each.version)).toEqual(["a_2", "a_1"]);
    expect(adapter?.versions[0]?.gate?.hasPassed).toBe(true);
  });

  test("an alert comes and goes", () => {
    const alert = { code: "E_MIC_LOST", since: "2026-01-02T03:04:00Z", message: "Mic lost", hint: "Plug it in." };
    const raised = heard(unknownDevice("d"), ["alert/E_MIC_LOST", alert]);
    expect([...raised.alerts.keys()]).toEqual(["E_MIC_LOST"]);
    expect(heard(raised, ["alert/E_MIC_LOST", ""]).alerts.size).toBe(0);
  });

  test("a forgotten profile is gone", () => {
    const known = heard(unknownDevice("d"), ["profiles/p_1", { active: true, consent: { store: true }, examples: 3 }]);
    expect(known.profiles.get("p_1")?.consent).toMatchObject({ store: true, train: false, speaker: false });
    expect(heard(known, ["profiles/p_1", ""]).profiles.size).toBe(0);
  });

  test("events are listed newest first, and not more than fit", () => {
    const events = Array.from({ length: MAX_ACTIVITIES + 5 }, (_, i) => {
      return ["event/interaction", { event_type: "answered", at: NOW_MS, latency_ms: i }] as const;
    });
    const { activities } = heard(unknownDevice("d"), ...events, ["event/training", { event_type: "failed" }]);
    expect(activities).toHaveLength(MAX_ACTIVITIES);
    expect(activities[0]?.word).toBe("training_failed");
    expect(activities[1]?.latencyMs).toBe(MAX_ACTIVITIES + 4);
  });

  test("after a new connection only what is not retained is kept", () => {
    const known = heard(
      unknownDevice("d"),
      ["availability", "online"],
      ["event/button", { event_type: "press", button: "talk" }],
    );
    const fresh = forgetRetained(known);
    expect(fresh.isOnline).toBeNull();
    expect(fresh.activities.map(({ word }) => word)).toEqual(["talk_press"]);
  });

  test("what it does not know leaves the device as it is", () => {
    const device = unknownDevice("d");
    expect(deviceAfter(device, "some/new/topic", "{}", NOW_MS)).toBe(device);
    expect(deviceAfter(device, "training/metrics", "{}", NOW_MS)).toBe(device);
  });
});

const paths = fc.constantFrom(
  ...["state", "power", "training", "adapter", "turn", "health", "safety", "info"],
  ...["profiles/p", "alert/E", "event/training", "log"],
);
const payloads = fc.oneof(fc.json(), fc.string());

test("no payload whatsoever throws or smuggles in a value of another type", () => {
  const property = fc.property(paths, payloads, (path, text) => {
    const { state, power, adapter } = deviceAfter(unknownDevice("d"), path, text, NOW_MS);
    expect(state === null || typeof state.phase === "string").toBe(true);
    expect(power === null || power.duty === null || Number.isFinite(power.duty)).toBe(true);
    expect(adapter === null || Array.isArray(adapter.versions)).toBe(true);
  });
  fc.assert(property);
});
