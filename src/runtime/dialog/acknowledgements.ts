import type { AskedPurpose } from "../../profile/consent-wording.ts";
import type { FactStatement } from "../../profile/fact-extractor.ts";
import type { ConsentPurpose, Profile } from "../../profile/ports.ts";
import type { ConsentConsequence } from "./consent-consequence.ts";
import type { ConsentRequest } from "./consent-phrases.ts";

/** The appliance's own sentences: what it says about itself, not what the language model answers. */
export const NEEDS_CONSENT = "I may not remember anything yet. If you want me to, say: you may remember what I say.";
export const NO_MODEL = "My language model is not ready. Please run the doctor command.";
export const TURN_FAILED = "Sorry, that did not work. Please try again.";
export const NOTHING_TO_REPEAT = "I have not said anything yet.";
export const PRAISED = "Thank you.";
export const BLAMED = "Sorry. Tell me what I should have said.";
export const CORRECTED = "Thank you, I will remember that.";
export const CORRECTED_UNSTORED = "Thank you.";
const CONFIRM_FORGET_ALL = "Hold the talk button for me to forget everything about you.";
export const CONFIRM_AT_DEVICE = "Please hold the talk button of the device to confirm.";
export const FORGOTTEN = "I have forgotten everything about you.";

/** Said instead of an answer while answering itself is not allowed. */
export const NOT_ANSWERING = "I may not answer you. Say: you may answer me, and I will.";
export const CONSENT_LATER = "Okay. I keep nothing. Say: what do you keep, and I ask you again.";
export const CONSENT_DECLINED: Readonly<Record<AskedPurpose, string>> = {
  store: "Okay. I keep nothing, and I will not ask again. Say: what do you keep, if you change your mind.",
  train: "Okay. I remember, but I will not learn from it. Say: you may learn from me, if you change your mind.",
};
export const GUEST_ON = "Hello. I keep nothing of what a guest says. Say: guest mode off, when the guest has left.";
export const GUEST_OFF = "Welcome back.";
export const GUEST_TIMED_OUT = "Guest mode has ended. From the next thing you say I answer as usual again.";
export const GUEST_KEEPS_NOTHING =
  "This is guest mode, so I keep nothing. Say: guest mode off, to go on with your profile.";

const GRANTED: Readonly<Record<ConsentPurpose, string>> = {
  answer: "Thank you. I will answer you.",
  store: "Thank you. I will remember what you say, on this device only.",
  train: "Thank you. I will learn from what you say.",
  telemetry: "Thank you. I will publish figures about use, never words.",
  speaker: "Thank you. I will learn to know your voice.",
};
const WITHDRAWN: Readonly<Record<ConsentPurpose, string>> = {
  answer: "Okay. I will not answer any more. Say: you may answer me, if you change your mind.",
  store: "Okay. I will not keep what you say.",
  train: "Okay. I will not learn from what you say.",
  telemetry: "Okay. I will not publish figures about you.",
  speaker: "Okay. I have deleted your voice print.",
};

/** Said once a consent was changed, with what that did to learning. */
export function consentChanged({ purpose, granted }: ConsentRequest, consequence: ConsentConsequence): string {
  const { isJobEnded, adapterSetAside, adapterBack } = consequence;
  const sentences = [granted ? GRANTED[purpose] : WITHDRAWN[purpose]];
  if (isJobEnded) sentences.push("The training that was under way has ended.");
  if (adapterSetAside !== null) sentences.push("What I had learned is set aside.");
  if (adapterBack !== null) sentences.push("What I had learned is in use again.");
  return sentences.join(" ");
}

/** Said aloud at the device when somebody changed consent from elsewhere. */
export function consentWithdrawnElsewhere(request: ConsentRequest, consequence: ConsentConsequence): string {
  return `A permission was withdrawn from elsewhere. ${consentChanged(request, consequence)}`;
}

/** What stands, in plain words. */
export function consentExplained({ store, train }: Profile["consent"]): string {
  if (!store) return "I keep nothing of what you say.";
  const kept =
    "I keep what you ask, what I answer and what you tell me about yourself. It stays on this device, encrypted. " +
    "Say: forget everything about me, to erase it. Say: stop remembering what I say, to end it.";
  return train ? `${kept} I also learn from it. Say: stop learning from me, to end that.` : kept;
}

/** Said after instructions were kept, in the order they were given. */
export function instructionsKept(statements: readonly FactStatement[], forgotten: number): string {
  return statements.map((statement) => sentenceFor(statement, forgotten)).join(" ");
}

function sentenceFor(statement: FactStatement, forgotten: number): string {
  if (statement.kind === "forget_all") return CONFIRM_FORGET_ALL;
  if (statement.kind === "forget") return forgotten > 0 ? "Okay, forgotten." : "I did not know that.";
  const { kind, value } = statement.fact;
  if (kind === "name") return `Okay, I will call you ${value}.`;
  if (kind === "answer_length") return value === "long" ? "Okay, longer answers." : "Okay, shorter answers.";
  return `Okay, ${value}.`;
}
