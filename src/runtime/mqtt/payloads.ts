import * as v from "valibot";
import { INELIGIBLE_REASONS } from "../../adapt/eligibility.ts";
import { GATE_REASONS } from "../../adapt/gate.ts";
import { JOB_STATES } from "../../adapt/job.ts";
import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { PROBE_NAMES } from "../../sensors/board/ports.ts";
import { BOARD_NAMES } from "../config/sections/board.ts";
import { GOVERNOR_MODES, GOVERNOR_REASONS } from "../governor/policy.ts";

/**
 * Shapes of everything published, in camelCase as the code sees it. INVARIANT: no schema here accepts free text.
 * Every string is one of a list or matches a narrow pattern, so that neither transcript nor name can leave the device
 * (tested by walking the schemas).
 */

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const epochMs = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** Letters, digits and punctuation of versions and model names. The name comes from the model file, not from a user. */
const modelName = v.pipe(v.string(), v.regex(/^[\w .:+()/-]{1,64}$/));
const version = v.pipe(v.string(), v.regex(/^v?\d[\w.+-]{0,40}$/));

const errorCodes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];
export const errorCode = v.picklist(errorCodes);

/** A random profile id (core/ids), never a name. */
const profileId = v.pipe(v.string(), v.regex(/^[a-z]{1,8}_[0-9a-f]{16}$/));

export const infoPayload = v.strictObject({
  schema: v.literal(1),
  version,
  commit: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{7,40}$/))),
  node: version,
  board: v.picklist(BOARD_NAMES),
  model: v.nullable(v.strictObject({ name: modelName, quant: v.pipe(v.string(), v.regex(/^\w{1,16}$/)), sha256 })),
  capabilities: v.array(v.picklist(["microphone", "wake_phrase", "buttons", "led", "speech"])),
  session: v.pipe(v.string(), v.regex(/^s_[0-9a-f]{16}$/)),
  logLevel: v.picklist(["debug", "info", "warn", "error"]),
  restartRequired: v.boolean(),
  configHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/)),
});

export const statePayload = v.strictObject({
  phase: v.picklist(["idle", "listening", "thinking", "speaking", "fault"]),
  sinceMs: epochMs,
  fault: v.nullable(errorCode),
  micMuted: v.boolean(),
  profile: v.nullable(profileId),
});

const number = v.pipe(v.number(), v.finite());

export const powerPayload = v.strictObject({
  mode: v.picklist(GOVERNOR_MODES),
  duty: v.pipe(number, v.minValue(0), v.maxValue(1)),
  threads: count,
  reason: v.picklist(GOVERNOR_REASONS),
  training: v.boolean(),
  socTempC: v.nullable(number),
  inputW: v.nullable(number),
  mains: v.nullable(v.boolean()),
  batteryPct: v.nullable(number),
  underVoltage: v.nullable(v.boolean()),
  slowed: v.nullable(v.boolean()),
  memoryPressurePct: v.nullable(number),
  load: v.nullable(number),
  todayWh: number,
  dailyWh: v.nullable(number),
  energySource: v.nullable(v.picklist(["measured", "estimated", "mixed"])),
  failed: v.array(v.picklist(PROBE_NAMES)),
});

/** A version of core/ids and the adapter store: 16 digits of a hash. */
export const adapterVersion = v.pipe(v.string(), v.regex(/^a_[0-9a-f]{16}$/));

export const trainingPayload = v.strictObject({
  /** Of the job under way; `idle` without one. */
  state: v.picklist(["idle", ...JOB_STATES]),
  kind: v.nullable(v.picklist(["full", "micro", "rebuild"])),
  eligible: v.boolean(),
  reasons: v.array(v.picklist(INELIGIBLE_REASONS)),
  newInteractions: count,
  /** Version that answers; null = the base alone. */
  adapter: v.nullable(adapterVersion),
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

export const alertPayload = v.strictObject({
  code: errorCode,
  sinceMs: epochMs,
  /** Both come from the table of error codes, never from the caller. */
  message: v.picklist(errorCodes.map(alertMessage)),
  hint: v.picklist(errorCodes.map((code): string => ERROR_CODES[code].nextStep)),
});

export const interactionEvent = v.strictObject({
  eventType: v.picklist(["wake", "answered", "declined", "stopped", "failed", "feedback_up", "feedback_down"]),
  atMs: epochMs,
  latencyMs: v.nullable(count),
});

export const buttonEvent = v.strictObject({
  eventType: v.picklist(["press", "double_press", "hold"]),
  button: v.picklist(["talk", "up", "down"]),
  atMs: epochMs,
});

/** Words of a code: E_MIC_UNAVAILABLE is `Mic unavailable`. */
export function alertMessage(code: ErrorCode): string {
  const words = code.slice(2).replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export type InfoPayload = v.InferOutput<typeof infoPayload>;
export type StatePayload = v.InferOutput<typeof statePayload>;
export type TrainingPayload = v.InferOutput<typeof trainingPayload>;
export type PowerPayload = v.InferOutput<typeof powerPayload>;
export type InteractionEvent = v.InferOutput<typeof interactionEvent>;
export type ButtonEvent = v.InferOutput<typeof buttonEvent>;
