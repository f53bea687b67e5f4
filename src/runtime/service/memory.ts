import { DomainClassifier } from "../../profile/domain-classifier.ts";
import type { GuestRecord, ProfileStore, SentenceEmbedder } from "../../profile/ports.ts";
import { relateTurns } from "../../profile/turn-relation.ts";
import type { Memory } from "../dialog/ports.ts";

/** The profile store with what the dialog asks of the sentence embedder. */
export function memoryOf(store: ProfileStore & GuestRecord, embedder: SentenceEmbedder): Memory {
  const domains = new DomainClassifier({ embedder });
  return {
    active: () => store.active(),
    setConsent: (...args) => store.setConsent(...args),
    isConsentDue: (id) => store.isConsentDue(id),
    noteConsentAsked: (id) => store.noteConsentAsked(id),
    guestSince: () => store.guestSince(),
    setGuestSince: (sinceMs) => store.setGuestSince(sinceMs),
    record: (interaction) => store.record(interaction),
    addSignal: (id, signal) => store.addSignal(id, signal),
    learnFact: (id, fact) => store.learnFact(id, fact),
    forgetFacts: (id, topic) => store.forgetFacts(id, topic),
    promptContext: (request) => store.promptContext(request),
    domainOf: (text) => domains.domainOf(text),
    relationOf: (previous, input) => relateTurns(embedder, previous, input),
  };
}
