import type { SignalKind } from "../../../profile/ports.ts";
import { type ConfigKey, decimalNumber } from "../config-key.ts";

export const profileSection = {
  halfLifeDays: decimalNumber({
    min: 0.1,
    max: 3_650,
    default: 30,
    doc: "Age (days) at which an interaction counts half in the profile.",
  }),
};

type SignalKeys = {
  readonly estimate: ConfigKey<number>;
  readonly confidence: ConfigKey<number>;
};

function signal(meaning: string, estimate: number, confidence: number): SignalKeys {
  return {
    estimate: decimalNumber({ min: -1, max: 1, default: estimate, doc: `Satisfaction when ${meaning}.` }),
    confidence: decimalNumber({ min: 0, max: 1, default: confidence, doc: `How sure that is when ${meaning}.` }),
  };
}

/** The table of section 3 of the design: what each signal says about the answer it follows. */
export const signalsSection = {
  thumb_up: signal("the up button is pressed", 1, 1),
  thumb_down: signal("the down button is pressed", -1, 1),
  praise: signal("the user praises the answer", 1, 1),
  complaint: signal("the user complains about the answer", -1, 1),
  correction: signal("the user corrects the answer", -1, 1),
  rephrase: signal("the user asks again in other words", -0.6, 0.4),
  barge_in: signal("the user interrupts the answer", -0.4, 0.3),
  stop: signal("the user stops the answer", -0.4, 0.3),
  repeat_request: signal("the user asks to hear it again", -0.2, 0.2),
  follow_up: signal("the user goes on with the topic", 0.3, 0.2),
  task_done: signal("the task was done", 0.3, 0.2),
} satisfies Record<SignalKind, SignalKeys>;
