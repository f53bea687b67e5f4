import { extractFacts, type FactStatement } from "../../profile/fact-extractor.ts";
import { recogniseFeedback, type SpokenFeedback } from "../../profile/spoken-feedback.ts";
import { asksAboutConsent, type ConsentRequest, consentRequestIn } from "./consent-phrases.ts";
import { guestRequestIn } from "./guest-phrases.ts";

/** What a turn asks of the appliance itself, before the language model is asked anything. */
export type TurnIntent =
  | { readonly kind: "consent"; readonly request: ConsentRequest }
  /** To hear what is kept, and to be asked again. */
  | { readonly kind: "explain_consent" }
  | { readonly kind: "guest"; readonly change: "on" | "off" }
  | { readonly kind: "feedback"; readonly feedback: SpokenFeedback }
  /** Statements about the user that the appliance acknowledges by itself. */
  | { readonly kind: "instruction"; readonly statements: readonly FactStatement[] }
  /** For the language model; `statements` are learned on the way. */
  | { readonly kind: "question"; readonly statements: readonly FactStatement[] };

/**
 * @param text what was said or typed.
 * @param hasAnswer whether there is an earlier answer that feedback could be about.
 */
export function intentOf(text: string, hasAnswer: boolean): TurnIntent {
  const request = consentRequestIn(text);
  if (request !== null) return { kind: "consent", request };
  if (asksAboutConsent(text)) return { kind: "explain_consent" };
  const change = guestRequestIn(text);
  if (change !== null) return { kind: "guest", change };
  const feedback = recogniseFeedback(text);
  if (feedback !== null && (hasAnswer || feedback.kind === "stop")) return { kind: "feedback", feedback };
  const statements = extractFacts(text);
  const isInstruction = statements.length > 0 && !text.includes("?") && statements.every(isAcknowledged);
  return { kind: isInstruction ? "instruction" : "question", statements };
}

/** What a person may say although they have withdrawn the permission to answer them: permissions and erasure. */
export function needsNoAnswer(intent: TurnIntent): boolean {
  if (intent.kind === "consent" || intent.kind === "explain_consent") return true;
  return intent.kind === "instruction" && intent.statements.every(({ kind }) => kind !== "learn");
}

/** Settings of the appliance get its own short answer; preferences and the like are conversation. */
function isAcknowledged(statement: FactStatement): boolean {
  if (statement.kind !== "learn") return true;
  return ["name", "answer_length", "unit"].includes(statement.fact.kind);
}
