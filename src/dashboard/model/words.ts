import type { IneligibleReason } from "../../adapt/eligibility.ts";
import type { GateReason } from "../../adapt/gate.ts";
import type { PayloadOf } from "../../runtime/mqtt/topics.ts";

/**
 * The contract's words as a person would say them. Typed by the contract, so that a new word without a translation does
 * not compile; a word of a device that is newer than this page is shown as it came.
 */
type Words<Word extends string> = Readonly<Record<Word, string>>;

export const PHASES: Words<PayloadOf<"state">["phase"]> = {
  idle: "Ready",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
  training: "Learning",
  throttled: "Learning slowly",
  fault: "Not working",
};

export const PHASE_HINTS: Words<PayloadOf<"state">["phase"]> = {
  idle: "Waiting to be spoken to.",
  listening: "Somebody is speaking to it.",
  thinking: "Working on an answer.",
  speaking: "Saying its answer.",
  training: "Fine-tuning itself; it stops at once when spoken to.",
  throttled: "Fine-tuning itself; the board holds it back.",
  fault: "Something keeps it from answering; see the alert.",
};

export const BOARDS: Words<PayloadOf<"info">["board"]> = {
  virtual: "Virtual board",
  rpi4: "Raspberry Pi 4",
  rpi5: "Raspberry Pi 5",
  "jetson-orin": "Jetson Orin",
  generic: "Linux board",
};

export const CAPABILITIES: Words<PayloadOf<"info">["capabilities"][number]> = {
  microphone: "microphone",
  wake_phrase: "wake phrase",
  buttons: "buttons",
  led: "status light",
  speech: "voice",
};

export const MODES: Words<PayloadOf<"power">["mode"]> = {
  auto: "Automatic",
  quiet: "Quiet",
  performance: "Performance",
};

/** Why training gets what it gets: a whole sentence. */
export const GOVERNOR_REASONS: Words<PayloadOf<"power">["reason"]> = {
  user_active: "Training waits: the assistant is being used.",
  starting: "Training waits: the sensors are being read for the first time.",
  temperature_unknown: "Training waits: the temperature cannot be read, so it counts as too hot.",
  too_hot: "Training waits: the board is too hot and has to cool down first.",
  throttle_unknown: "Training waits: whether the hardware slows itself down cannot be read.",
  under_voltage: "Training waits: the power supply is too weak.",
  hardware_slowed: "Training waits: the hardware has slowed itself down.",
  memory_unknown: "Training waits: free memory cannot be read.",
  memory_pressure: "Training waits: memory is short.",
  power_unknown: "Training waits: the input power cannot be read.",
  input_power: "Training is held back by the limit on input power.",
  supply_unknown: "Training waits: whether it runs on mains cannot be read.",
  on_battery: "Training waits: the board runs on battery.",
  battery_low: "Training waits: the battery is low.",
  energy_spent: "Training waits: today's energy allowance is used up.",
  settling: "Training speeds up step by step after a change.",
  warm: "Training is slowed because the board is warm.",
  none: "Nothing holds training back.",
};

export const HOLDS: Words<NonNullable<PayloadOf<"training">["reason"]>> = {
  ...GOVERNOR_REASONS,
  paused: "Paused until you resume it.",
  learning_off: "Learning is switched off for the household.",
};

export const TRAINING_STATES: Words<PayloadOf<"training">["state"]> = {
  idle: "No training under way",
  waiting: "Waiting for its turn",
  preparing: "Preparing the examples",
  training: "Training",
  paused: "Paused",
  evaluating: "Measuring the result",
  staged: "Passed, about to be used",
  active: "Finished: in use",
  rejected: "Finished: not better, so not used",
  failed: "Stopped",
};

export const JOB_KINDS: Words<NonNullable<PayloadOf<"training">["kind"]>> = {
  full: "full",
  micro: "correction",
  rebuild: "rebuild",
  task: "one domain",
};

/** What stands in the way of the next training. */
export const INELIGIBLE: Words<IneligibleReason> = {
  no_store_consent: "remembering is not allowed",
  no_train_consent: "training is not allowed",
  no_model: "no language model is loaded",
  model_not_trainable: "this model or this installation cannot be trained",
  job_running: "a training is under way",
  no_budget: "the board allows none at the moment",
  too_few_interactions: "too few conversations are remembered",
  too_few_new_interactions: "too little is new since the last training",
  not_quiet: "somebody spoke with it just now",
  too_soon: "the last training was not long ago",
  paused: "it is paused",
  learning_off: "learning is switched off",
};

export const GATE_REASONS: Words<GateReason> = {
  too_few_held_out: "too little to measure on",
  no_clear_gain: "no clear gain on the newest words",
  forgets_general_text: "general language suffers too much",
  not_finite: "the measurement failed",
  correction_not_learned: "the correction was not learned",
  harms_other_words: "other words suffer",
  differs_by_identity: "it would treat people differently by who they say they are",
  agrees_with_false_claims: "it would agree with false claims more than the model alone",
  refuses_less: "it would refuse harmful requests less than the model alone",
  too_few_probes: "the fairness probes do not fit into this model",
};

export const FAILURES: Readonly<Record<string, string>> = {
  consent: "consent was withdrawn",
  cancelled: "it was cancelled",
  deleted: "what it learned from was deleted",
  forgotten: "the profile was forgotten",
};

export const PURPOSES: Words<keyof PayloadOf<"profile">["consent"]> = {
  answer: "Answer",
  store: "Remember conversations",
  train: "Train on them",
  telemetry: "Share figures",
  speaker: "Know the speaker by voice",
};

export const VERSION_STATES: Words<PayloadOf<"adapter">["versions"][number]["state"]> = {
  staged: "Ready",
  active: "In use",
  previous: "Previous",
  retired: "Replaced",
  rejected: "Refused",
  revoked: "Revoked",
  set_aside: "Set aside",
};

export const OUTCOMES: Words<PayloadOf<"turn">["outcome"]> = {
  answered: "answered",
  acknowledged: "acknowledged",
  stopped: "stopped by the user",
  failed: "failed",
};

export const MODALITIES: Words<PayloadOf<"turn">["modality"]> = {
  voice: "by wake phrase",
  button: "by button",
  text: "by text",
};

export const ENERGY_SOURCES: Words<NonNullable<PayloadOf<"power">["energySource"]>> = {
  measured: "measured",
  estimated: "estimated",
  mixed: "partly estimated",
};

export const PROBES: Words<PayloadOf<"power">["failed"][number]> = {
  temperature: "temperature",
  throttle: "throttling",
  power: "input power",
  mains: "mains",
  battery: "battery",
  memory: "memory",
  load: "load",
};

type EventWord =
  | PayloadOf<"event/interaction">["eventType"]
  | `${PayloadOf<"event/button">["button"]}_${PayloadOf<"event/button">["eventType"]}`
  | `training_${PayloadOf<"event/training">["eventType"]}`;

export const EVENTS: Words<EventWord> = {
  wake: "Woken",
  answered: "Answered",
  declined: "Heard nothing to answer",
  stopped: "Stopped by the user",
  failed: "Answer failed",
  feedback_up: "Answer liked",
  feedback_down: "Answer disliked",
  talk_press: "Talk button pressed",
  talk_double_press: "Talk button pressed twice",
  talk_hold: "Talk button held",
  up_press: "Thumb-up button pressed",
  up_double_press: "Thumb-up button pressed twice",
  up_hold: "Thumb-up button held",
  down_press: "Thumb-down button pressed",
  down_double_press: "Thumb-down button pressed twice",
  down_hold: "Thumb-down button held",
  training_started: "Training started",
  training_paused: "Training paused",
  training_resumed: "Training resumed",
  training_finished: "Training finished",
  training_failed: "Training failed",
  training_rolled_back: "Went back to an older adapter",
};

/** The word's translation; the word itself, made readable, when there is none. */
export function inWords(words: Readonly<Record<string, string>>, word: string | null): string {
  if (word === null) return "";
  const known = Object.hasOwn(words, word) ? words[word] : undefined;
  return known ?? word.replaceAll("_", " ");
}
