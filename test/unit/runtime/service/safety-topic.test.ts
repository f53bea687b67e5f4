import * as v from "valibot";
import { expect, test } from "vitest";
import type { AdapterListing } from "../../../../src/adapt/adapter-store.ts";
import type { SafetyVerdict } from "../../../../src/adapt/monitor/safety-verdict.ts";
import { safetyPayload } from "../../../../src/runtime/mqtt/learning-payloads.ts";
import { safetyPayloadOf } from "../../../../src/runtime/service/safety-topic.ts";
import { manifestOf } from "../../../support/adapter-manifests.ts";

const figure = { base: 0.1, candidate: 0.2, drift: 0.1, low: 0, high: 0.2, bound: 0.5, probes: 6 };
const verdict: SafetyVerdict = {
  passed: true,
  reasons: [],
  identity: { ...figure, axis: "religion" },
  agreement: figure,
  refusal: figure,
  tokens: 100,
  probes: "d".repeat(64),
};

function listing(content: string, safety: SafetyVerdict | null): AdapterListing {
  const { gate } = manifestOf("p_1", content);
  return { manifest: manifestOf("p_1", content, { gate: { ...gate, safety } }), state: "active", hasFile: true };
}

test("shows the version in use and the newest one, counts those refused, and names no axis", () => {
  const refused: SafetyVerdict = { ...verdict, passed: false, reasons: ["refuses_less"] };
  const old = listing("made before the monitor", null);
  const [used, newest] = [listing("used", verdict), listing("newest", refused)];
  const payload = safetyPayloadOf([old, used, newest], used.manifest.version);
  expect(v.parse(safetyPayload, payload)).toEqual(payload);
  expect(payload).toMatchObject({
    probed: 2,
    refused: 1,
    installed: { version: used.manifest.version, passed: true },
    last: { version: newest.manifest.version, passed: false, reasons: ["refuses_less"] },
  });
  expect(JSON.stringify(payload)).not.toContain("religion");
});

test("nothing probed yet: counts of 0 and no version", () => {
  expect(safetyPayloadOf([], null)).toEqual({ probed: 0, refused: 0, installed: null, last: null });
});
