import type { Clock } from "../../core/clock.ts";
import { type AskedPurpose, CONSENT_WORDING } from "../../profile/consent-wording.ts";
import type { ConsentPurpose, Profile } from "../../profile/ports.ts";
import { CONSENT_DECLINED, CONSENT_LATER, consentChanged, consentExplained } from "./acknowledgements.ts";
import { type ConsentConsequence, NO_CONSEQUENCE } from "./consent-consequence.ts";
import { replyIn } from "./interview-reply.ts";
import type { Memory } from "./ports.ts";

/** After this long an answer can no longer be meant for the question, ms. */
const ANSWER_MS = 60_000;
/** The question is said again this often when it was not understood. */
const MAX_REPEATS = 1;

export interface ConsentInterviewDeps {
  readonly clock: Clock;
  readonly memory: Pick<Memory, "isConsentDue" | "noteConsentAsked">;
  /** Writes the answer into the ledger and has it followed. */
  change(profileId: string, purpose: ConsentPurpose, granted: boolean): Promise<ConsentConsequence>;
}

interface Asked {
  readonly profileId: string;
  readonly purpose: AskedPurpose;
  readonly repeats: number;
  readonly atMs: number;
}

/**
 * The first-run dialogue: asks whether it may remember, and after a yes whether it may learn. Asked once by itself; a no is
 * kept in the ledger and never asked about again, unless the person wants to hear it.
 */
export class ConsentInterview {
  readonly #deps: ConsentInterviewDeps;
  #asked: Asked | null = null;

  constructor(deps: ConsentInterviewDeps) {
    this.#deps = deps;
  }

  /** True while a question waits for its answer. */
  get isWaiting(): boolean {
    return this.#asked !== null;
  }

  /** The first question when this person is still to be asked; null otherwise. */
  async due(profileId: string): Promise<string | null> {
    const { memory } = this.#deps;
    if (this.isWaiting || !(await memory.isConsentDue(profileId))) return null;
    return await this.#ask(profileId, "store");
  }

  /** What is kept and what for, with the first question that is still open behind it. For whoever wants to hear it again. */
  async explain({ id, consent }: Profile): Promise<string> {
    const open = consent.store ? (consent.train ? null : "train") : "store";
    if (open === null) return consentExplained(consent);
    return `${consentExplained(consent)} ${await this.#ask(id, open)}`;
  }

  /** What to say to an answer; null when the words are none, which ends the dialogue. */
  async answer(text: string, profile: Profile): Promise<string | null> {
    const asked = this.#asked;
    this.#asked = null;
    if (asked === null || asked.profileId !== profile.id) return null;
    if (this.#deps.clock.monotonicMs() - asked.atMs > ANSWER_MS) return null;
    const { purpose } = asked;
    switch (replyIn(text)) {
      case "yes":
        await this.#deps.change(profile.id, purpose, true);
        if (purpose === "store" && !profile.consent.train) return await this.#ask(profile.id, "train");
        return consentChanged({ purpose, granted: true }, NO_CONSEQUENCE);
      case "no":
        await this.#deps.change(profile.id, purpose, false);
        return CONSENT_DECLINED[purpose];
      case "later":
        return CONSENT_LATER;
      case "repeat":
        if (asked.repeats >= MAX_REPEATS) return CONSENT_LATER;
        return await this.#ask(profile.id, purpose, asked.repeats + 1);
      case "other":
        return null;
    }
  }

  /** Nobody answered. */
  end(): void {
    this.#asked = null;
  }

  async #ask(profileId: string, purpose: AskedPurpose, repeats = 0): Promise<string> {
    await this.#deps.memory.noteConsentAsked(profileId);
    this.#asked = { profileId, purpose, repeats, atMs: this.#deps.clock.monotonicMs() };
    return CONSENT_WORDING.questions[purpose];
  }
}
