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

/** Of so many newest turns it is read again what they are, when one was added or judged. */
const NEWEST = 8;

/** What the model was given last. User text. */
interface Given {
  readonly profileId: string;
  readonly exchanges: readonly RememberedExchange[];
}

/**
 * Gives the language model the active profile's exchanges. Between a change and its refresh nothing stale is used: an
 * answer names the exchanges that it may use, and the model then uses all it was given or nothing.
 */
export class PhraseKeeper {
  readonly #parts: PhraseKeeperParts;
  /** Turns that were added or judged since the last refresh; "all" = anything may have changed. Null = no refresh is due. */
  #wish: Set<string> | "all" | null = null;
  #given: Given | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: PhraseKeeperParts) {
    this.#parts = parts;
  }

  /** Stored turns whose phrases may come up in answers now; 0 while phrases are not used. */
  get turns(): number {
    return this.#given?.exchanges.length ?? 0;
  }

  /** Something about the profile or its turns has changed. Never rejects; resolves when what is remembered fits again. */
  refresh(): Promise<void> {
    return this.#refresh("all");
  }

  /**
   * A turn was stored, or a stored one was judged, and nothing else has changed: reads the newest turns only, where that
   * is enough. Never rejects.
   * @param judged null = nothing was judged.
   */
  refreshNewest(judged: string | null): Promise<void> {
    return this.#refresh(new Set(judged === null ? [] : [judged]));
  }

  #refresh(wish: Set<string> | "all"): Promise<void> {
    const before = this.#wish;
    this.#wish = before === null ? wish : before === "all" || wish === "all" ? "all" : new Set([...before, ...wish]);
    if (before !== null) return this.#running;
    this.#running = this.#running.then(async () => {
      const due = this.#wish ?? "all";
      this.#wish = null;
      try {
        await this.#refreshNow(due);
      } catch (error) {
        this.#given = null;
        const code = isAppError(error) ? error.code : "E_INTERNAL";
        if (code !== "E_ABORTED") this.#parts.log.error({ code, err: String(error) }, "phrases not refreshed");
      }
    });
    return this.#running;
  }

  async #refreshNow(changed: ReadonlySet<string> | "all"): Promise<void> {
    const model = this.#parts.model();
    if (model === null || !this.#parts.isWanted(model)) {
      this.#given = null;
      return;
    }
    const { id, consent } = await this.#parts.store.active();
    const exchanges = consent.store === true ? await this.#exchanges(id, changed) : [];
    await model.remember(exchanges);
    this.#given = { profileId: id, exchanges };
  }

  async #exchanges(profileId: string, changed: ReadonlySet<string> | "all"): Promise<readonly RememberedExchange[]> {
    const { archive, limit } = this.#parts;
    if (changed !== "all" && this.#given?.profileId === profileId) {
      const newest = rememberedExchanges(await archive.interactions(profileId, NEWEST));
      const joined = continued(this.#given.exchanges, newest, changed);
      if (joined !== null) return joined.slice(-limit);
    }
    return rememberedExchanges(await archive.interactions(profileId, limit));
  }
}

/** `known` with its end replaced by `newest`; null when the two do not meet, or one that has changed lies before `newest`. */
function continued(
  known: readonly RememberedExchange[],
  newest: readonly RememberedExchange[],
  changed: ReadonlySet<string>,
): readonly RememberedExchange[] | null {
  const from = known.findIndex(({ id }) => id === newest[0]?.id);
  if (from < 0 || known.slice(0, from).some(({ id }) => changed.has(id))) return null;
  return [...known.slice(0, from), ...newest];
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
