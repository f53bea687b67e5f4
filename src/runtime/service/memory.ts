import { DomainClassifier } from "../../profile/domain-classifier.ts";
import type { GuestRecord, ProfileStore, PromptContext, SentenceEmbedder } from "../../profile/ports.ts";
import { relateTurns } from "../../profile/turn-relation.ts";
import type { Memory } from "../dialog/ports.ts";

const NOTHING_KNOWN: PromptContext = { facts: [], exchanges: [], answerWords: null };

/**
 * The profile store with what the dialog asks of the sentence embedder.
 * @param isLearningOn the household's switch: while it is off nothing is stored and nothing that was stored is used.
 */
export function memoryOf(
  store: ProfileStore & GuestRecord,
  embedder: SentenceEmbedder,
  isLearningOn: () => boolean,
): Memory {
  const declined = { kind: "declined", reason: "no_consent" } as const;
  const domains = new DomainClassifier({ embedder });
  return {
    active: () => store.active(),
    setConsent: (...args) => store.setConsent(...args),
    isConsentDue: (id) => store.isConsentDue(id),
    noteConsentAsked: (id) => store.noteConsentAsked(id),
    guestSince: () => store.guestSince(),
    setGuestSince: (sinceMs) => store.setGuestSince(sinceMs),
    record: async (interaction) => (isLearningOn() ? store.record(interaction) : declined),
    addSignal: async (id, signal) => (isLearningOn() ? store.addSignal(id, signal) : declined),
    learnFact: async (id, fact) => (isLearningOn() ? store.learnFact(id, fact) : declined),
    forgetFacts: (id, topic) => store.forgetFacts(id, topic),
    promptContext: async (request) => (isLearningOn() ? store.promptContext(request) : NOTHING_KNOWN),
    domainOf: (text) => domains.domainOf(text),
    relationOf: (previous, input) => relateTurns(embedder, previous, input),
  };
}
