import * as v from "valibot";
import { AppError, ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import { GOVERNOR_MODES } from "../governor/policy.ts";

/** Longest accepted line, bytes. `say` refuses long texts itself; this only bounds memory. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** What an endless line is to either side. */
export function lineTooLong(maxBytes: number): AppError {
  return new AppError("E_CONTROL_PROTOCOL", `a line is longer than ${maxBytes} bytes`);
}

const text = v.pipe(v.string(), v.nonEmpty());
const id = v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,64}$/i));

/** What a probe of the virtual board says from now on; null makes it fail. */
const reading = v.pipe(v.number(), v.finite());

/** A hundred years. */
const MAX_JUMP_MS = 100 * 365 * 86_400_000;

/** Every method of the control socket and the shape of its parameters: the one table for server and client. */
export const CONTROL_METHODS = {
  status: v.strictObject({}),
  /** Where the device's page is, with its token: this socket is its owner's. */
  dashboard: v.strictObject({}),
  watch: v.strictObject({}),
  say: v.strictObject({ text, aloud: v.boolean() }),
  listen: v.strictObject({ path: text }),
  play: v.strictObject({ path: text }),
  press: v.strictObject({
    button: v.picklist(["talk", "up", "down"]),
    holdMs: v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)),
  }),
  plug: v.strictObject({ plugged: v.boolean() }),
  governorStatus: v.strictObject({}),
  governorMode: v.strictObject({ mode: v.picklist(GOVERNOR_MODES) }),
  governorBudget: v.strictObject({ dailyWh: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(10_000))) }),
  setTempC: v.strictObject({ celsius: v.nullable(reading) }),
  setInputW: v.strictObject({ watts: v.nullable(reading) }),
  setMains: v.strictObject({ mains: v.nullable(v.boolean()) }),
  setBattery: v.strictObject({ percent: v.nullable(v.pipe(reading, v.minValue(0), v.maxValue(100))) }),
  setMemoryPressure: v.strictObject({ percent: v.nullable(v.pipe(reading, v.minValue(0), v.maxValue(100))) }),
  setThrottle: v.strictObject({
    state: v.nullable(v.strictObject({ isUnderVoltage: v.boolean(), isSlowed: v.boolean() })),
  }),
  skipTime: v.strictObject({ ms: v.pipe(v.number(), v.minValue(0), v.maxValue(31 * 86_400_000)) }),
  jumpClock: v.strictObject({ ms: v.pipe(v.number(), v.integer(), v.minValue(-MAX_JUMP_MS), v.maxValue(MAX_JUMP_MS)) }),
  feedback: v.strictObject({
    kind: v.picklist(["up", "down", "correction"]),
    correction: v.nullable(text),
  }),
  mute: v.strictObject({ muted: v.boolean() }),
  consent: v.strictObject({ purpose: v.picklist(CONSENT_PURPOSES), granted: v.boolean() }),
  consentShow: v.strictObject({}),
  /** Answers to the questions of the first-run dialogue. */
  consentDecide: v.strictObject({ store: v.boolean(), train: v.boolean() }),
  guest: v.strictObject({ on: v.boolean() }),
  profileList: v.strictObject({}),
  profileShow: v.strictObject({ profile: v.nullable(id) }),
  /** @param weights true adds the adapters' GGUF files, base64. */
  profileExport: v.strictObject({ profile: v.nullable(id), weights: v.optional(v.boolean()) }),
  profileRetention: v.strictObject({
    profile: v.nullable(id),
    days: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(36_500))),
  }),
  profileSelect: v.strictObject({ profile: id }),
  profileCreate: v.strictObject({ label: v.nullable(text) }),
  factEdit: v.strictObject({ fact: id, statement: text, value: text }),
  factDelete: v.strictObject({ fact: id }),
  interactionDelete: v.strictObject({ interaction: id }),
  /** New device key and new keys for these profiles; null = all. Events of progress while it goes on. */
  keysRotate: v.strictObject({ profile: v.nullable(id) }),
  profileForget: v.strictObject({ profile: v.nullable(id) }),
  profileExplain: v.strictObject({ profile: v.nullable(id) }),
  trainNow: v.strictObject({}),
  trainStatus: v.strictObject({}),
  /** Events until the caller hangs up, or until no job is left when `untilDone`. */
  trainWatch: v.strictObject({ untilDone: v.boolean() }),
  trainCancel: v.strictObject({}),
  trainPause: v.strictObject({ paused: v.boolean() }),
  /** The household's switch; off wins over every consent. */
  learning: v.strictObject({ enabled: v.boolean() }),
  adapterList: v.strictObject({ profile: v.nullable(id) }),
  adapterShow: v.strictObject({ profile: v.nullable(id), version: id }),
  adapterActivate: v.strictObject({ version: id }),
  adapterRollback: v.strictObject({}),
  adapterDiff: v.strictObject({ prompts: v.pipe(v.array(text), v.minLength(1), v.maxLength(20)) }),
} as const;

export type ControlMethod = keyof typeof CONTROL_METHODS;
export type ControlParams<M extends ControlMethod> = v.InferOutput<(typeof CONTROL_METHODS)[M]>;

const requestSchema = v.strictObject({
  v: v.literal(1),
  method: v.picklist(Object.keys(CONTROL_METHODS) as ControlMethod[]),
  params: v.unknown(),
});

export interface ControlRequest {
  readonly method: ControlMethod;
  readonly params: unknown;
}

/** @throws AppError E_CONTROL_PROTOCOL naming the field, never its value. */
export function parseRequest(line: string): ControlRequest {
  const request = v.safeParse(requestSchema, parseJson(line));
  if (!request.success) throw protocolError(request.issues);
  const params = v.safeParse(CONTROL_METHODS[request.output.method], request.output.params);
  if (!params.success) throw protocolError(params.issues);
  return { method: request.output.method, params: params.output };
}

const replySchema = v.variant("type", [
  v.strictObject({ v: v.literal(1), type: v.literal("taken") }),
  v.strictObject({ v: v.literal(1), type: v.literal("event"), event: v.string(), data: v.unknown() }),
  v.strictObject({ v: v.literal(1), type: v.literal("result"), data: v.unknown() }),
  v.strictObject({
    v: v.literal(1),
    type: v.literal("error"),
    code: v.string(),
    message: v.string(),
    hint: v.string(),
  }),
]);

export type ControlReply = v.InferOutput<typeof replySchema>;

/** @throws AppError E_CONTROL_PROTOCOL. */
export function parseReply(line: string): ControlReply {
  const reply = v.safeParse(replySchema, parseJson(line));
  if (!reply.success) throw protocolError(reply.issues);
  return reply.output;
}

/** An error that came over the socket, as the same code here. */
export function errorFromReply(reply: Extract<ControlReply, { type: "error" }>): AppError {
  const known = Object.hasOwn(ERROR_CODES, reply.code);
  return new AppError(known ? (reply.code as ErrorCode) : "E_INTERNAL", reply.message, { hint: reply.hint });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new AppError("E_CONTROL_PROTOCOL", "the line is not JSON", { cause: error });
  }
}

function protocolError(issues: readonly v.BaseIssue<unknown>[]): AppError {
  const first = issues[0];
  const where = first?.path?.map((item) => String(item.key)).join(".") ?? "line";
  return new AppError("E_CONTROL_PROTOCOL", `${where}: expected ${first?.expected ?? "another shape"}`);
}
