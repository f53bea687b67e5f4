import * as v from "valibot";
import { ERROR_CODES } from "../../core/errors.ts";
import { PROBE_NAMES } from "../../sensors/board/ports.ts";
import { BOARD_NAMES } from "../config/sections/board.ts";
import { LOG_LEVELS } from "../config/sections/service.ts";
import { GOVERNOR_MODES, GOVERNOR_REASONS } from "../governor/policy.ts";
import {
  alertMessage,
  count,
  epochMs,
  errorCode,
  errorCodes,
  modelName,
  number,
  profileId,
  sha256,
  version,
} from "./payload-values.ts";

/**
 * Shapes of everything published, in camelCase as the code sees it (training, adapters, profiles: learning-payloads.ts).
 * INVARIANT: no schema here accepts free text. Every string is one of a list or matches a narrow pattern, so that neither
 * transcript nor name can leave the device (tested by walking the schemas).
 */

export const infoPayload = v.strictObject({
  schema: v.literal(1),
  version,
  commit: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{7,40}$/))),
  node: version,
  board: v.picklist(BOARD_NAMES),
  model: v.nullable(v.strictObject({ name: modelName, quant: v.pipe(v.string(), v.regex(/^\w{1,16}$/)), sha256 })),
  capabilities: v.array(v.picklist(["microphone", "wake_phrase", "buttons", "led", "speech"])),
  session: v.pipe(v.string(), v.regex(/^s_[0-9a-f]{16}$/)),
  logLevel: v.picklist(LOG_LEVELS),
  restartRequired: v.boolean(),
  configHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/)),
});

/** What the device does. throttled: training is under way, and the board (heat, supply, memory) holds it back. */
export const PHASES = ["idle", "listening", "thinking", "speaking", "training", "throttled", "fault"] as const;

export const statePayload = v.strictObject({
  phase: v.picklist(PHASES),
  sinceMs: epochMs,
  fault: v.nullable(errorCode),
  micMuted: v.boolean(),
  /** The household's switch; off wins over every consent. */
  learningEnabled: v.boolean(),
  profile: v.nullable(profileId),
});

export const healthPayload = v.strictObject({
  uptimeS: count,
  rssMb: count,
  /** Of the time between the last two watchdog rounds; ms by which the event loop was late, 99th percentile. */
  loopLagP99Ms: number,
  /** Where profiles and adapters are kept. */
  diskFreeMb: v.nullable(count),
  /** Since the start: connections made, and messages that could not be sent. */
  mqtt: v.strictObject({ connects: count, dropped: count }),
  /** Since the start: trainer processes that died and were started again. */
  trainerRestarts: count,
});

/** How much of its share training gets: all, half or more, less than half, nothing. */
export const GOVERNOR_LEVELS = ["full", "reduced", "minimal", "paused"] as const;

export const powerPayload = v.strictObject({
  governor: v.picklist(GOVERNOR_LEVELS),
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

const stageMs = v.nullable(v.pipe(number, v.minValue(0)));

/** The last turn in figures; no words of it. */
export const turnPayload = v.strictObject({
  atMs: epochMs,
  modality: v.picklist(["voice", "button", "text"]),
  outcome: v.picklist(["answered", "acknowledged", "stopped", "failed"]),
  stages: v.strictObject({
    sttMs: stageMs,
    contextMs: stageMs,
    llmFirstTokenMs: stageMs,
    llmFirstSentenceMs: stageMs,
    ttsMs: stageMs,
    firstAudioMs: stageMs,
    /** From start to first audio, without the engines. */
    oursMs: v.nullable(number),
    totalMs: v.pipe(number, v.minValue(0)),
  }),
  generatedTokens: count,
  reusedTokens: count,
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

/** A log line without its message: what it was about is in the device's own log. */
export const logPayload = v.strictObject({
  atMs: epochMs,
  level: v.picklist(["warn", "error", "fatal"]),
  part: v.nullable(v.pipe(v.string(), v.regex(/^[a-z][a-z_]{0,31}$/))),
  code: v.nullable(errorCode),
  /** Lines that were left out since the last one, to keep the rate. */
  suppressed: count,
});

export type StatePayload = v.InferOutput<typeof statePayload>;
export type HealthPayload = v.InferOutput<typeof healthPayload>;
export type TurnPayload = v.InferOutput<typeof turnPayload>;
export type PowerPayload = v.InferOutput<typeof powerPayload>;
export type InteractionEvent = v.InferOutput<typeof interactionEvent>;
