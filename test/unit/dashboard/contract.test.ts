import { describe, expect, test } from "vitest";
import { unknownDevice } from "../../../src/dashboard/model/device.ts";
import { deviceAfter } from "../../../src/dashboard/model/device-reducer.ts";
import type { PayloadOf } from "../../../src/runtime/mqtt/topics.ts";
import { toWire } from "../../../src/runtime/mqtt/wire-codec.ts";

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const VERSION = `a_${"0".repeat(16)}`;

const gate = { baseLoss: 3, candidateLoss: 2.5, generalRisePct: 1, passed: true, reasons: [] };
const figure = { base: 1, candidate: 1.2, drift: 0.2, low: 0.1, high: 0.3, bound: 0.5 };
const probed: NonNullable<PayloadOf<"safety">["last"]> = {
  version: VERSION,
  kind: "full",
  atMs: AT_MS,
  passed: true,
  reasons: [],
  identity: figure,
  agreement: figure,
  refusal: figure,
};

/** What the device publishes with every value given, as its own codec writes it. */
const messages = {
  power: {
    governor: "reduced",
    mode: "auto",
    duty: 0.5,
    threads: 2,
    reason: "warm",
    training: true,
    socTempC: 70,
    inputW: 5,
    mains: true,
    batteryPct: 80,
    underVoltage: false,
    slowed: false,
    memoryPressurePct: 1,
    load: 0.5,
    todayWh: 3,
    dailyWh: 24,
    energySource: "measured",
    failed: ["mains"],
  } satisfies PayloadOf<"power">,
  turn: {
    atMs: AT_MS,
    modality: "voice",
    outcome: "answered",
    stages: {
      sttMs: 1,
      contextMs: 2,
      llmFirstTokenMs: 3,
      llmFirstSentenceMs: 4,
      ttsMs: 5,
      firstAudioMs: 6,
      oursMs: 7,
      totalMs: 8,
    },
    generatedTokens: 1,
    reusedTokens: 1,
  } satisfies PayloadOf<"turn">,
  health: {
    uptimeS: 10,
    rssMb: 90,
    loopLagP99Ms: 3,
    diskFreeMb: 1_000,
    mqtt: { connects: 1, dropped: 2 },
    trainerRestarts: 0,
  } satisfies PayloadOf<"health">,
  adapter: {
    installedVersion: VERSION,
    latestVersion: VERSION,
    inProgress: false,
    updatePercentage: null,
    baseSha256: null,
    gate,
    rollbackVersion: VERSION,
    versions: [
      {
        version: VERSION,
        state: "active",
        kind: "full",
        createdAtMs: AT_MS,
        parent: null,
        examples: 3,
        sizeBytes: 1,
        usable: true,
        gate,
      },
    ],
  } satisfies PayloadOf<"adapter">,
  safety: { probed: 2, refused: 1, installed: probed, last: probed } satisfies PayloadOf<"safety">,
  "profiles/p_0": {
    active: true,
    consent: { answer: true, store: true, train: true, telemetry: true, speaker: true },
    examples: 3,
    adapterVersion: VERSION,
    trainedAtMs: AT_MS,
    feedback: { up: 1, down: 2, corrections: 3 },
  } satisfies PayloadOf<"profile">,
};

/** Paths of everything that is null, in maps, too. */
function missing(value: unknown, path = ""): string[] {
  if (value === null) return [path];
  if (value instanceof Map) return [...value].flatMap(([key, inner]) => missing(inner, `${path}.${key}`));
  if (typeof value !== "object" || value === undefined) return [];
  return Object.entries(value).flatMap(([name, inner]) => missing(inner, `${path}.${name}`));
}

describe("whatever the device says, the page reads", () => {
  test.each(Object.entries(messages))(
    "%s: every field by the name that the device's codec gives it",
    (path, payload) => {
      const device = deviceAfter(unknownDevice("d"), path, toWire(payload), AT_MS);
      const part = path.startsWith("profiles/") ? device.profiles : device[path as "power" | "turn"];
      expect(part).not.toBeNull();
      expect(missing(part)).toEqual([]);
    },
  );
});
