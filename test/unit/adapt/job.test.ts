import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EligibilityFacts, type IneligibleReason, trainingEligibility } from "../../../src/adapt/eligibility.ts";
import { isJobOver, type JobEvent, type JobState, nextJobState } from "../../../src/adapt/job.ts";

const STATES = [
  "waiting",
  "preparing",
  "training",
  "paused",
  "evaluating",
  "staged",
  "active",
  "rejected",
  "failed",
] as const satisfies readonly JobState[];
const EVENTS = [
  "began",
  "prepared",
  "paused",
  "resumed",
  "trained",
  "promoted",
  "refused",
  "activated",
  "failed",
  "restarted",
] as const satisfies readonly JobEvent[];

/** Every step that exists; all others must be refused. */
const TABLE: readonly (readonly [JobState, JobEvent, JobState])[] = [
  ["waiting", "began", "preparing"],
  ["preparing", "prepared", "training"],
  ["training", "paused", "paused"],
  ["paused", "resumed", "training"],
  ["training", "trained", "evaluating"],
  ["evaluating", "promoted", "staged"],
  ["evaluating", "refused", "rejected"],
  ["staged", "activated", "active"],
  ...(["waiting", "preparing", "training", "paused", "evaluating", "staged"] as const).map(
    (state) => [state, "failed", "failed"] as const,
  ),
  ...(["waiting", "preparing", "training", "paused"] as const).map((state) => [state, "restarted", "waiting"] as const),
  ...(["evaluating", "staged", "active", "rejected", "failed"] as const).map(
    (state) => [state, "restarted", state] as const,
  ),
];

describe("job", () => {
  test.each(STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)))("%s, %s", (state, event) => {
    const [, , expected = null] = TABLE.find(([from, on]) => from === state && on === event) ?? [];
    expect(nextJobState(state, event)).toBe(expected);
  });

  test("a restart never moves a job forward and never brings one that is over back to life", () => {
    for (const state of STATES) {
      const restarted = nextJobState(state, "restarted");
      expect(restarted).not.toBeNull();
      if (isJobOver(state)) expect(restarted).toBe(state);
      if (restarted !== null) expect(nextJobState(restarted, "restarted")).toBe(restarted);
    }
  });

  test("whatever happens, only a job that was promoted becomes active", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }), (events) => {
        let state: JobState = "waiting";
        const happened: JobEvent[] = [];
        for (const event of events) {
          const next = nextJobState(state, event);
          if (next === null) continue;
          happened.push(event);
          state = next;
        }
        if (state === "active") expect(happened).toEqual(expect.arrayContaining(["trained", "promoted", "activated"]));
      }),
    );
  });
});

const policy = { minNewInteractions: 10, minInteractions: 20, quietMs: 60_000, minIntervalMs: 3_600_000 };
const ready: EligibilityFacts = {
  hold: null,
  consent: { store: true, train: true },
  newInteractions: 10,
  interactions: 20,
  budget: { duty: 1, threads: 1, reason: "mains" },
  idleMs: 60_000,
  sinceLastAttemptMs: null,
  isModelReady: true,
  isTrainable: true,
  isJobRunning: false,
  isForced: false,
};

describe("eligibility", () => {
  test("with everything at its threshold a job may begin", () => {
    expect(trainingEligibility(ready, policy)).toEqual({ eligible: true, reasons: [] });
  });

  test.each<[IneligibleReason, Partial<EligibilityFacts>]>([
    ["paused", { hold: "paused" }],
    ["no_store_consent", { consent: { store: false, train: true } }],
    ["no_train_consent", { consent: { store: true, train: false } }],
    ["no_model", { isModelReady: false }],
    ["model_not_trainable", { isTrainable: false }],
    ["job_running", { isJobRunning: true }],
    ["no_budget", { budget: { duty: 0, threads: 1, reason: "hot" } }],
    ["too_few_interactions", { interactions: 19 }],
    ["too_few_new_interactions", { newInteractions: 9 }],
    ["not_quiet", { idleMs: 59_999 }],
    ["too_soon", { sinceLastAttemptMs: 3_599_999 }],
  ])("%s alone stands in the way", (reason, change) => {
    expect(trainingEligibility({ ...ready, ...change }, policy)).toEqual({ eligible: false, reasons: [reason] });
  });

  test("with learning off that is the reason, and not the consents that do not hold for it", () => {
    const off = { ...ready, hold: "learning_off" as const, consent: { store: false, train: false } };
    expect(trainingEligibility(off, policy).reasons).toEqual(["learning_off"]);
  });

  test("asked for by its owner, a job need not be quiet, due or worth it, but consent and budget still hold", () => {
    const poor = { ...ready, newInteractions: 0, idleMs: 0, sinceLastAttemptMs: 0, isForced: true };
    expect(trainingEligibility(poor, policy).eligible).toBe(true);
    const refused = { ...poor, consent: { store: true, train: false }, budget: { ...ready.budget, duty: 0 } };
    expect(trainingEligibility(refused, policy).reasons).toEqual(["no_train_consent", "no_budget"]);
  });
});
