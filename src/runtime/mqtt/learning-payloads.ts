import * as v from "valibot";
import type { AdapterState } from "../../adapt/adapter-pointers.ts";
import { INELIGIBLE_REASONS } from "../../adapt/eligibility.ts";
import { GATE_REASONS } from "../../adapt/gate.ts";
import { JOB_STATES } from "../../adapt/job.ts";
import { JOB_END_REASONS } from "../../adapt/job-end.ts";
import { SAFETY_REASONS } from "../../adapt/monitor/safety-verdict.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import { GOVERNOR_REASONS } from "../governor/policy.ts";
import { adapterVersion, count, epochMs, errorCodes, jobId, number, percent, sha256 } from "./payload-values.ts";

/** Shapes of what is published about training, adapters and profiles. INVARIANT: as in payloads.ts, no free text. */

const JOB_KINDS = ["full", "micro", "rebuild", "task"] as const;

/** Why training that could go on stands still: the owner's pause, the household's switch, or the governor. */
export const TRAINING_HOLDS = ["paused", "learning_off", ...GOVERNOR_REASONS] as const;

/** Loss on words that were not trained on, nats a token, without and with the version, and what the gate said. */
const gate = v.strictObject({
  baseLoss: number,
  candidateLoss: number,
  generalRisePct: number,
  passed: v.boolean(),
  reasons: v.array(v.picklist(GATE_REASONS)),
});

export const trainingPayload = v.strictObject({
  job: v.nullable(jobId),
  /** Of the job under way; `idle` without one. */
  state: v.picklist(["idle", ...JOB_STATES]),
  kind: v.nullable(v.picklist(JOB_KINDS)),
  /** Of the pass under way; null while no pass runs. */
  progressPct: v.nullable(percent),
  step: v.nullable(count),
  steps: v.nullable(count),
  /** Of the last step, nats. */
  loss: v.nullable(number),
  /** To the end of the pass, at the present speed. */
  etaS: v.nullable(count),
  /** What holds it back; null when nothing does. */
  reason: v.nullable(v.picklist(TRAINING_HOLDS)),
  /** Interactions of the active profile. */
  examples: count,
  eligible: v.boolean(),
  reasons: v.array(v.picklist(INELIGIBLE_REASONS)),
  newInteractions: count,
  /** Version that answers; null = the base alone. */
  adapter: v.nullable(adapterVersion),
  /** Why the newest full job failed; null when it did not. */
  failure: v.nullable(v.picklist([...JOB_END_REASONS, ...errorCodes])),
  /** The newest full job that was measured: loss on held-out words, nats a token, and what the gate said. */
  last: v.nullable(
    v.strictObject({
      atMs: epochMs,
      promoted: v.boolean(),
      reasons: v.array(v.picklist(GATE_REASONS)),
      lossBefore: number,
      lossAfter: number,
      generalRisePct: number,
    }),
  ),
});

export const trainingMetricsPayload = v.strictObject({
  job: jobId,
  step: count,
  steps: count,
  loss: v.nullable(number),
  lr: v.nullable(number),
  tokensPerS: number,
  rssMb: count,
});

/** What Home Assistant shows as installed when no adapter is in use. */
export const BASE_ALONE = "base";
const installable = v.union([v.literal(BASE_ALONE), adapterVersion]);

const ADAPTER_STATES = [
  "staged",
  "active",
  "previous",
  "retired",
  "rejected",
  "revoked",
  "set_aside",
] as const satisfies readonly AdapterState[];

/** Versions on the `adapter` topic, newest last. */
export const MAX_LISTED_VERSIONS = 20;

export const adapterPayload = v.strictObject({
  /** Of the active profile; `base` = none, the model alone. */
  installedVersion: installable,
  /** The newest version that its gate let through and that can be used; otherwise the installed one. */
  latestVersion: installable,
  /** A training job is under way. */
  inProgress: v.boolean(),
  updatePercentage: v.nullable(percent),
  /** Language model that answers. */
  baseSha256: v.nullable(sha256),
  /** Of the installed version. */
  gate: v.nullable(gate),
  /** Where `adapter/rollback` leads; null when it leads to the base alone or nothing is installed. */
  rollbackVersion: v.nullable(adapterVersion),
  /** Newest last, at most 20. */
  versions: v.array(
    v.strictObject({
      version: adapterVersion,
      state: v.picklist(ADAPTER_STATES),
      kind: v.picklist(JOB_KINDS),
      createdAtMs: epochMs,
      parent: v.nullable(adapterVersion),
      /** Interactions it was trained on. */
      examples: count,
      sizeBytes: count,
      /** False when its weights were cleared away: it cannot be activated. */
      usable: v.boolean(),
      gate,
    }),
  ),
});

const safetyFigure = v.strictObject({
  base: number,
  candidate: number,
  /** How much worse the candidate is than the base, with its interval. */
  drift: number,
  low: number,
  high: number,
  bound: number,
});

const probedVersion = v.strictObject({
  version: adapterVersion,
  kind: v.picklist(JOB_KINDS),
  atMs: epochMs,
  passed: v.boolean(),
  reasons: v.array(v.picklist(SAFETY_REASONS)),
  identity: safetyFigure,
  agreement: safetyFigure,
  refusal: safetyFigure,
});

export const safetyPayload = v.strictObject({
  /** Versions of the active profile that were probed, and how many of them were refused for it. */
  probed: count,
  refused: count,
  /** The version that answers; null = the base alone, or a version made before there was a monitor. */
  installed: v.nullable(probedVersion),
  /** The newest one, whatever became of it. */
  last: v.nullable(probedVersion),
});

export const profilePayload = v.strictObject({
  active: v.boolean(),
  consent: v.strictObject(v.entriesFromList(CONSENT_PURPOSES, v.boolean())),
  /** Interactions that are stored. */
  examples: count,
  adapterVersion: v.nullable(adapterVersion),
  trainedAtMs: v.nullable(epochMs),
  /** Judgements of its answers that are stored. */
  feedback: v.strictObject({ up: count, down: count, corrections: count }),
});

export const trainingEvent = v.strictObject({
  eventType: v.picklist(["started", "paused", "resumed", "finished", "failed", "rolled_back"]),
  job: v.nullable(jobId),
  atMs: epochMs,
});

export type TrainingPayload = v.InferOutput<typeof trainingPayload>;
export type TrainingMetricsPayload = v.InferOutput<typeof trainingMetricsPayload>;
export type AdapterPayload = v.InferOutput<typeof adapterPayload>;
export type SafetyPayload = v.InferOutput<typeof safetyPayload>;
export type ProfilePayload = v.InferOutput<typeof profilePayload>;
export type TrainingEvent = v.InferOutput<typeof trainingEvent>;
