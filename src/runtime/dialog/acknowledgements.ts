import type { FactStatement } from "../../profile/fact-extractor.ts";
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

export function consentChanged({ purpose, granted }: ConsentRequest): string {
  if (purpose === "train") {
    return granted ? "Thank you. I will learn from what you say." : "Okay. I will not learn from what you say.";
  }
  return granted
    ? "Thank you. I will remember what you say, on this device only."
    : "Okay. I will not keep what you say.";
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
