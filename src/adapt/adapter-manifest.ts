import * as v from "valibot";
import { AppError } from "../core/errors.ts";
import { GATE_REASONS } from "./gate.ts";
import { JOB_KINDS } from "./job.ts";
import { SAFETY_REASONS } from "./monitor/safety-verdict.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const version = v.pipe(v.string(), v.regex(/^a_[0-9a-f]{16}$/));
const ids = v.pipe(v.array(v.string()), v.readonly());

const difference = v.strictObject({
  mean: v.number(),
  low: v.number(),
  high: v.number(),
  before: v.number(),
  after: v.number(),
  examples: count,
  tokens: count,
});

const safetyFigure = {
  base: v.number(),
  candidate: v.number(),
  drift: v.number(),
  low: v.number(),
  high: v.number(),
  bound: v.number(),
  probes: count,
};

const safetySchema = v.strictObject({
  passed: v.boolean(),
  reasons: v.pipe(v.array(v.picklist(SAFETY_REASONS)), v.readonly()),
  identity: v.strictObject({ ...safetyFigure, axis: v.string() }),
  agreement: v.strictObject(safetyFigure),
  refusal: v.strictObject(safetyFigure),
  tokens: count,
  probes: sha256,
});

export const gateSchema = v.strictObject({
  promoted: v.boolean(),
  reasons: v.pipe(v.array(v.picklist(GATE_REASONS)), v.readonly()),
  heldOut: difference,
  general: difference,
  generalRise: v.number(),
  generalCeiling: v.number(),
  confidence: v.number(),
  resamples: count,
  safety: v.optional(v.nullable(safetySchema), null),
});

export const scheduleSchema = v.strictObject({
  surprise: v.number(),
  /** Validation loss before the first pass. */
  startLoss: v.nullable(v.number()),
  passes: v.pipe(
    v.array(
      v.strictObject({
        pass: count,
        lr: v.number(),
        steps: count,
        finalLoss: v.nullable(v.number()),
        validationLoss: v.nullable(v.number()),
      }),
    ),
    v.readonly(),
  ),
  strength: v.number(),
  watchedRise: v.nullable(v.number()),
});

/** How an adapter came to be: everything needed to judge it, to revoke it and to make it again. No user text. */
export const manifestSchema = v.strictObject({
  v: v.literal(1),
  version,
  sha256,
  sizeBytes: count,
  profileId: v.string(),
  kind: v.picklist(JOB_KINDS),
  /** Of a task adapter: the domain of the turns it answers, in place of its parent; null = a general one. */
  domain: v.optional(v.nullable(v.string()), null),
  createdAtMs: v.number(),
  base: v.strictObject({ sha256, name: v.string() }),
  /** Version in use when it was made: what the gate compared it with. */
  parent: v.nullable(version),
  /** Hash of the adapter that training began from; null = zero. */
  warmStart: v.nullable(sha256),
  seed: count,
  settings: v.unknown(),
  /** Every interaction whose words it was trained on, its ancestors' included when training began from one. */
  trainedInteractionIds: ids,
  trainedExampleIds: ids,
  heldOutInteractionIds: ids,
  schedule: scheduleSchema,
  gate: gateSchema,
  plan: v.nullable(
    v.strictObject({ backend: v.string(), device: v.string(), kernels: v.string(), backward: v.string() }),
  ),
});

export type AdapterManifest = v.InferOutput<typeof manifestSchema>;

/** @throws AppError E_ADAPTER_INVALID naming the field, never its value. */
export function parseManifest(bytes: Uint8Array): AdapterManifest {
  return parseJson(bytes, manifestSchema, "the adapter's manifest");
}

/** @throws AppError E_ADAPTER_INVALID naming what it is and the field. */
export function parseJson<T extends v.GenericSchema>(bytes: Uint8Array, schema: T, what: string): v.InferOutput<T> {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw new AppError("E_ADAPTER_INVALID", `${what} is not JSON`);
  }
  const parsed = v.safeParse(schema, json, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new AppError("E_ADAPTER_INVALID", `${what}: ${v.getDotPath(parsed.issues[0]) ?? "it"} is not as expected`);
}

/** Version name of an adapter file: content-addressed. */
export function versionOf(fileSha256: string): string {
  return `a_${fileSha256.slice(0, 16)}`;
}
