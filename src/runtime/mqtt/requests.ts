import * as v from "valibot";
import { INELIGIBLE_REASONS } from "../../adapt/eligibility.ts";
import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import { LOG_LEVELS } from "../config/sections/service.ts";
import { GOVERNOR_MODES } from "../governor/policy.ts";
import { adapterVersion, alertMessage, count, errorCode, profileId } from "./payload-values.ts";

/** Echoed in the response, so it is an identifier and no free text. */
export const transaction = v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(/^[\w.:-]{1,64}$/))]);

const purposes = v.picklist(CONSENT_PURPOSES);
const dailyWh = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(10_000)));
const nothing = v.strictObject({});
/** Proof that who confirms an erasure saw the answer to its first request. */
const confirmToken = v.pipe(v.string(), v.regex(/^c_[0-9a-f]{16}$/));

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

/** One request that the device serves. */
export interface VerbRow {
  readonly doc: string;
  /** Accepted a minute, evenly, after as many at once; more are answered with E_REQUEST_RATE. */
  readonly perMinute: number;
  /** May a dashboard's user publish it? What touches consent, erasure or the speaker is for other accounts. */
  readonly dashboard: boolean;
  readonly request: v.GenericSchema;
  /** The response's `data`. */
  readonly response: v.GenericSchema;
}

/** What {@link VERBS}.profile/forget did. */
const receipt = v.strictObject({
  /** Deleted rows: interactions, signals, facts, the profile with its key. */
  rows: count,
  /** Files rewritten, emptied or removed. */
  files: count,
  adapters: count,
  /** Retained topics that the broker confirmed to have dropped. */
  retainedTopics: count,
  /** Nothing of it was left on disk, and the broker confirmed. */
  verified: v.boolean(),
});

/** Every request the device serves: its fields, what the response's `data` holds, and what it means. */
export const VERBS = {
  say: {
    doc: "A turn as if the text had been spoken. The answer is spoken at the device and not returned.",
    perMinute: 30,
    dashboard: false,
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
    perMinute: 60,
    dashboard: true,
    request: v.strictObject({ muted: v.boolean() }),
    response: v.strictObject({ muted: v.boolean() }),
  },
  "feedback/submit": {
    doc: "Rates the last answer, as the thumb buttons do.",
    perMinute: 60,
    dashboard: true,
    request: v.strictObject({ target: v.literal("last"), rating: v.picklist([1, -1]) }),
    response: v.strictObject({
      outcome: v.picklist(["recorded", "declined"]),
      reason: v.nullable(v.picklist(["no_consent", "guest", "nothing_to_rate"])),
    }),
  },
  "power/set_mode": {
    doc: "How much training may take; kept over restarts.",
    perMinute: 30,
    dashboard: true,
    request: v.strictObject({ mode: v.picklist(GOVERNOR_MODES) }),
    response: v.strictObject({ mode: v.picklist(GOVERNOR_MODES) }),
  },
  "power/set_budget": {
    doc: "Energy that training may take a day, watt-hours; 0 is no training, null no limit. Kept over restarts.",
    perMinute: 30,
    dashboard: true,
    request: v.strictObject({ dailyWh }),
    response: v.strictObject({ dailyWh }),
  },
  "learning/set": {
    doc: "The household's switch. Off: nothing is stored, used or trained, whatever the profiles consented to, and the model answers without adapter. What is stored already stays. Kept over restarts.",
    perMinute: 30,
    dashboard: true,
    request: v.strictObject({ enabled: v.boolean() }),
    response: v.strictObject({ enabled: v.boolean() }),
  },
  "training/start": {
    doc: "Trains the active profile's adapter now, whatever is due. Consent, budget and amount of data still hold.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({
      outcome: v.picklist(["queued", "declined"]),
      reasons: v.array(v.picklist(INELIGIBLE_REASONS)),
    }),
  },
  "training/pause": {
    doc: "Training stands still until training/resume, over restarts, too. A job under way keeps what it came to and gives its memory back.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({ paused: v.boolean() }),
  },
  "training/resume": {
    doc: "Ends a pause; a job that was paused goes on.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({ paused: v.boolean() }),
  },
  "training/cancel": {
    doc: "Ends the running training; the adapter in use stays.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({ cancelled: v.boolean() }),
  },
  "adapter/activate": {
    doc: "Puts a version of the active profile into use; without version, the latest one that passed its gate.",
    perMinute: 30,
    dashboard: true,
    request: v.strictObject({ version: v.optional(v.nullable(adapterVersion), null) }),
    response: v.strictObject({ adapter: v.nullable(adapterVersion) }),
  },
  "adapter/rollback": {
    doc: "Back to the adapter before, or to none; the response names the version then in use.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({ adapter: v.nullable(adapterVersion) }),
  },
  "consent/revoke": {
    doc: "Withdraws consent of the active profile, at once. Granting needs presence at the device.",
    perMinute: 30,
    dashboard: false,
    request: v.strictObject({ purpose: v.optional(v.picklist([...CONSENT_PURPOSES, "all"]), "all") }),
    response: v.strictObject({ revoked: v.array(purposes) }),
  },
  "profile/list": {
    doc: "The ids of all profiles; nothing else of them.",
    perMinute: 30,
    dashboard: true,
    request: nothing,
    response: v.strictObject({ profiles: v.array(profileId), active: v.nullable(profileId) }),
  },
  "profile/select": {
    doc: "Makes a profile the active one; its adapter answers from then on.",
    perMinute: 30,
    dashboard: false,
    request: v.strictObject({ profile: profileId }),
    response: v.strictObject({ profile: profileId }),
  },
  "profile/forget": {
    doc: "Erases a profile (without profile: the active one) in two steps. The first request arms it for 60 s and returns confirm. Then either the request is repeated with confirm, or the talk button is held at the device; after the button the receipt follows as a second answer with the same transaction.",
    perMinute: 6,
    dashboard: false,
    request: v.strictObject({
      profile: v.optional(v.nullable(profileId), null),
      confirm: v.optional(v.nullable(confirmToken), null),
    }),
    response: v.strictObject({
      outcome: v.picklist(["armed", "forgotten"]),
      profile: profileId,
      confirm: v.nullable(confirmToken),
      /** Time left to confirm. */
      expiresS: v.nullable(count),
      receipt: v.nullable(receipt),
    }),
  },
  "options/set": {
    doc: "Changes an option of the running service; the next start reads the configuration again.",
    perMinute: 30,
    dashboard: true,
    request: v.strictObject({ logLevel: v.picklist(LOG_LEVELS) }),
    response: v.strictObject({ logLevel: v.picklist(LOG_LEVELS) }),
  },
  health_check: {
    doc: "Asks every part whether it works.",
    perMinute: 60,
    dashboard: true,
    request: nothing,
    response: v.strictObject({
      healthy: v.boolean(),
      uptimeS: count,
      failing: v.array(v.pipe(v.string(), v.regex(/^[a-z][a-z_]{0,39}$/))),
      alerts: v.array(errorCode),
    }),
  },
  restart: {
    doc: "Stops the service cleanly; the service manager starts it again.",
    perMinute: 3,
    dashboard: false,
    request: nothing,
    response: v.strictObject({ outcome: v.literal("restarting") }),
  },
} as const satisfies Record<string, VerbRow>;

export type Verb = keyof typeof VERBS;
export type RequestOf<V extends Verb> = v.InferOutput<(typeof VERBS)[V]["request"]>;
export type ResponseOf<V extends Verb> = v.InferOutput<(typeof VERBS)[V]["response"]>;

export type RequestOrigin = "mqtt" | "dashboard";

/** What a handler gets besides the request's fields. */
export interface RequestContext<V extends Verb> {
  /** Fires when the publisher stops. */
  readonly signal: AbortSignal;
  /** How it came: over the broker, or from the device's own page. */
  readonly origin: RequestOrigin;
  /** A second answer to the same request, when somebody at the device did what the first one asked for. */
  followUp(data: ResponseOf<V>): void;
}

/** What the service does for each verb. An AppError becomes a coded error response; its message is not sent. */
export type RequestHandlers = {
  readonly [V in Verb]: (request: RequestOf<V>, context: RequestContext<V>) => Promise<ResponseOf<V>>;
};

export function isVerb(name: string): name is Verb {
  return Object.hasOwn(VERBS, name);
}
