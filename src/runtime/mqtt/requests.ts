import * as v from "valibot";
import { INELIGIBLE_REASONS } from "../../adapt/eligibility.ts";
import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import { GOVERNOR_MODES } from "../governor/policy.ts";
import { adapterVersion, alertMessage, errorCode } from "./payloads.ts";

/** Echoed in the response, so it is an identifier and no free text. */
export const transaction = v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(/^[\w.:-]{1,64}$/))]);

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const purposes = v.picklist(CONSENT_PURPOSES);
const dailyWh = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(10_000)));
const nothing = v.strictObject({});

/** What went wrong, in words that come from tables only: no message of an exception, no value, no unknown name. */
export const errorResponse = v.strictObject({
  status: v.literal("error"),
  code: errorCode,
  error: v.picklist((Object.keys(ERROR_CODES) as ErrorCode[]).map(alertMessage)),
  hint: v.picklist(Object.values(ERROR_CODES).map((info): string => info.nextStep)),
  /** Wire name of the field at fault, when it is one the verb knows. */
  field: v.nullable(v.pipe(v.string(), v.regex(/^[a-z_]{1,40}$/))),
  transaction: v.optional(transaction),
});

/** Longest accepted request payload, bytes. A request beyond it is refused unread. */
export const MAX_REQUEST_BYTES = 16 * 1024;

/** Longest text of `say`, characters; about two minutes of speech. */
const MAX_SAY_CHARACTERS = 2_000;

/** Every request the device serves: its fields, what the response's `data` holds, and what it means. */
export const VERBS = {
  say: {
    doc: "A turn as if the text had been spoken. The answer is spoken at the device and not returned.",
    request: v.strictObject({
      /** User text, towards the device only; no outgoing schema has a place for it. */
      text: v.pipe(v.string(), v.regex(/\S/, "text"), v.maxLength(MAX_SAY_CHARACTERS)),
    }),
    response: v.strictObject({
      outcome: v.picklist(["answered", "acknowledged", "stopped", "failed"]),
      latencyMs: count,
    }),
  },
  "mic/set": {
    doc: "Mutes or unmutes the microphone. Muted, the recorder does not run; buttons still work.",
    request: v.strictObject({ muted: v.boolean() }),
    response: v.strictObject({ muted: v.boolean() }),
  },
  "feedback/submit": {
    doc: "Rates the last answer, as the thumb buttons do.",
    request: v.strictObject({ target: v.literal("last"), rating: v.picklist([1, -1]) }),
    response: v.strictObject({
      outcome: v.picklist(["recorded", "declined"]),
      reason: v.nullable(v.picklist(["no_consent", "guest", "nothing_to_rate"])),
    }),
  },
  "power/set_mode": {
    doc: "How much training may take; kept over restarts.",
    request: v.strictObject({ mode: v.picklist(GOVERNOR_MODES) }),
    response: v.strictObject({ mode: v.picklist(GOVERNOR_MODES) }),
  },
  "power/set_budget": {
    doc: "Energy that training may take a day, watt-hours; 0 is no training, null no limit. Kept over restarts.",
    request: v.strictObject({ dailyWh }),
    response: v.strictObject({ dailyWh }),
  },
  "training/start": {
    doc: "Trains the active profile's adapter now, whatever is due. Consent, budget and amount of data still hold.",
    request: nothing,
    response: v.strictObject({
      outcome: v.picklist(["queued", "declined"]),
      reasons: v.array(v.picklist(INELIGIBLE_REASONS)),
    }),
  },
  "training/cancel": {
    doc: "Ends the running training; the adapter in use stays.",
    request: nothing,
    response: v.strictObject({ cancelled: v.boolean() }),
  },
  "adapter/rollback": {
    doc: "Back to the adapter before, or to none; the response names the version then in use.",
    request: nothing,
    response: v.strictObject({ adapter: v.nullable(adapterVersion) }),
  },
  health_check: {
    doc: "Asks every part whether it works.",
    request: nothing,
    response: v.strictObject({
      healthy: v.boolean(),
      uptimeS: count,
      failing: v.array(v.pipe(v.string(), v.regex(/^[a-z][a-z_]{0,39}$/))),
      alerts: v.array(errorCode),
    }),
  },
  "consent/revoke": {
    doc: "Withdraws consent of the active profile, at once. Granting needs presence at the device.",
    request: v.strictObject({ purpose: v.optional(v.picklist([...CONSENT_PURPOSES, "all"]), "all") }),
    response: v.strictObject({ revoked: v.array(purposes) }),
  },
  restart: {
    doc: "Stops the service cleanly; the service manager starts it again.",
    request: nothing,
    response: v.strictObject({ outcome: v.literal("restarting") }),
  },
} as const;

export type Verb = keyof typeof VERBS;
export type RequestOf<V extends Verb> = v.InferOutput<(typeof VERBS)[V]["request"]>;
export type ResponseOf<V extends Verb> = v.InferOutput<(typeof VERBS)[V]["response"]>;

/**
 * What the service does for each verb. The signal fires when the publisher stops. An AppError becomes a coded error
 * response; its message is not sent.
 */
export type RequestHandlers = {
  readonly [V in Verb]: (request: RequestOf<V>, signal: AbortSignal) => Promise<ResponseOf<V>>;
};

export function isVerb(name: string): name is Verb {
  return Object.hasOwn(VERBS, name);
}
