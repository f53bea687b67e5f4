import { answerCorrection } from "../../adapt/examples.ts";
import { isAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Interaction, ProfileArchive, ProfileStore } from "../../profile/ports.ts";
import type { LanguageModel, RememberedExchange } from "../ports.ts";

export interface PhraseKeeperParts {
  readonly store: Pick<ProfileStore, "active">;
  readonly archive: Pick<ProfileArchive, "interactions">;
  readonly log: Logger;
  /** Newest interactions whose phrases are kept; no more than recall reaches. */
  readonly limit: number;
  /** Null while none is loaded. */
  model(): LanguageModel | null;
  /** Whether this model's answers take up phrases. */
  isWanted(model: LanguageModel): boolean;
}

/**
 * Gives the language model the active profile's exchanges. Between a change and its refresh nothing stale is used: an
 * answer names the exchanges that it may use, and the model then uses all it was given or nothing.
 */
export class PhraseKeeper {
  readonly #parts: PhraseKeeperParts;
  #isWished = false;
  #turns = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: PhraseKeeperParts) {
    this.#parts = parts;
  }

  /** Stored turns whose phrases may come up in answers now; 0 while phrases are not used. */
  get turns(): number {
    return this.#turns;
  }

  /** Something about the profile or its turns has changed. Never rejects; resolves when what is remembered fits again. */
  refresh(): Promise<void> {
    if (this.#isWished) return this.#running;
    this.#isWished = true;
    this.#running = this.#running.then(async () => {
      this.#isWished = false;
      try {
        await this.#refreshNow();
      } catch (error) {
        const code = isAppError(error) ? error.code : "E_INTERNAL";
        if (code !== "E_ABORTED") this.#parts.log.error({ code, err: String(error) }, "phrases not refreshed");
      }
    });
    return this.#running;
  }

  async #refreshNow(): Promise<void> {
    const { store, archive } = this.#parts;
    const model = this.#parts.model();
    if (model === null || !this.#parts.isWanted(model)) {
      this.#turns = 0;
      return;
    }
    const profile = await store.active();
    const interactions =
      profile.consent.store === true ? await archive.interactions(profile.id, this.#parts.limit) : [];
    await model.remember(rememberedExchanges(interactions));
    this.#turns = interactions.length;
  }
}

/** What may come up again: the user's words, and answers that were not disliked, as they were corrected. Pure. */
export function rememberedExchanges(interactions: readonly Interaction[]): RememberedExchange[] {
  return interactions.map((interaction, i) => {
    const { id, input, answer, satisfaction } = interaction;
    const isDisliked = satisfaction.estimate * satisfaction.confidence < 0;
    const kept = isDisliked || answer.trim() === "" ? null : answer;
    return { id, input, answer: answerCorrection(interaction, interactions[i + 1]) ?? kept };
  });
}
