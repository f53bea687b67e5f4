import type { SignalKind } from "../../../profile/ports.ts";
import type { RedactionKind } from "../../../profile/redaction-rules.ts";
import { DEFAULT_SIGNAL_TABLE } from "../../../profile/satisfaction.ts";
import { type ConfigKey, decimalNumber, integer, integerOrNone, yesNo } from "../config-key.ts";

export const profileSection = {
  halfLifeDays: decimalNumber({
    min: 0.1,
    max: 3_650,
    default: 30,
    doc: "Age (days) at which an interaction counts half in the profile.",
  }),
  tau: decimalNumber({
    min: 0.05,
    max: 10,
    default: 0.5,
    doc: "Temperature of the attention over context in the profile vector; lower looks at similar interactions only.",
  }),
  recallLimit: integer({ min: 100, max: 50_000, default: 2_000, doc: "Newest interactions that retrieval reaches." }),
  retentionDays: integerOrNone({
    min: 1,
    max: 36_500,
    default: null,
    doc: "Interactions are deleted after this long (days), as `asls profile delete` would. null: kept until somebody deletes them. A profile may have its own (`asls profile retention`).",
  }),
  redact: {
    phone: redacts("Phone numbers"),
    email: redacts("E-mail addresses"),
    card: redacts("Numbers of payment cards"),
    account: redacts("IBANs and account numbers"),
    id_number: redacts("Numbers of passports, licences, insurances and the like"),
    street_address: redacts("Street addresses"),
  } satisfies Record<RedactionKind, ConfigKey<boolean>>,
};

function redacts(what: string): ConfigKey<boolean> {
  return yesNo({ default: true, doc: `${what} are cut out of what is stored and learned from.` });
}

type SignalKeys = {
  readonly estimate: ConfigKey<number>;
  readonly confidence: ConfigKey<number>;
};

function signal(kind: SignalKind, meaning: string): SignalKeys {
  const { estimate, confidence } = DEFAULT_SIGNAL_TABLE[kind];
  return {
    estimate: decimalNumber({ min: -1, max: 1, default: estimate, doc: `Satisfaction when ${meaning}.` }),
    confidence: decimalNumber({ min: 0, max: 1, default: confidence, doc: `How sure that is when ${meaning}.` }),
  };
}

/** What each signal says about the answer it follows; defaults are those of the profiling layer. */
export const signalsSection = {
  thumb_up: signal("thumb_up", "the up button is pressed"),
  thumb_down: signal("thumb_down", "the down button is pressed"),
  praise: signal("praise", "the user praises the answer"),
  complaint: signal("complaint", "the user complains about the answer"),
  correction: signal("correction", "the user corrects the answer"),
  rephrase: signal("rephrase", "the user asks again in other words"),
  barge_in: signal("barge_in", "the user interrupts the answer"),
  stop: signal("stop", "the user stops the answer"),
  repeat_request: signal("repeat_request", "the user asks to hear it again"),
  follow_up: signal("follow_up", "the user goes on with the topic"),
  task_done: signal("task_done", "the task was done"),
} satisfies Record<SignalKind, SignalKeys>;
