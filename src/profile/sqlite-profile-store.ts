import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { appendConsent, hasConsent, isConsentDue, noteConsentAsked } from "./consent-ledger.ts";
import { readFacts, storeFact } from "./fact-rows.ts";
import { isAbout } from "./fact-rules.ts";
import { insertInteraction, insertSignal, ownerOf, readExchange } from "./interaction-rows.ts";
import type {
  ConsentOrigin,
  ConsentPurpose,
  Fact,
  FactTopic,
  GuestRecord,
  NewInteraction,
  Profile,
  ProfileStore,
  PromptContext,
  PromptContextRequest,
  SentenceEmbedder,
  Signal,
  SignalOutcome,
  SqlDatabase,
  SqlTransaction,
  StoreOutcome,
  VoiceRecord,
} from "./ports.ts";
import { insertProfile, readProfile, readSetting, writeSetting } from "./profile-rows.ts";
import type { ProfileVault } from "./profile-vault.ts";
import { type ProfileVectorParameters, profileVector } from "./profile-vector.ts";
import { factsWithin, preferredAnswerWords, takeWithin } from "./prompt-context.ts";
import type { RecallCache } from "./recall-cache.ts";
import type { RecallIndex } from "./recall-index.ts";
import { type RedactionSwitches, redact } from "./redaction.ts";
import { type RetrievalParameters, rankExchanges } from "./retrieval.ts";
import { readStatistics, withInteraction, writeStatistics } from "./statistics-row.ts";
import { countWords } from "./style.ts";
import { dotSmall, shrink } from "./vectors.ts";
import { voiceOf, withUtterance } from "./voice-print.ts";
import { deleteVoicePrint, readVoicePrint, writeVoicePrint } from "./voice-print-row.ts";

export interface ProfileStoreParts {
  readonly database: SqlDatabase;
  readonly vault: ProfileVault;
  readonly embedder: SentenceEmbedder;
  readonly recall: RecallCache;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vectorParameters: ProfileVectorParameters;
  readonly retrieval: RetrievalParameters;
  /** Half-life of the frequency counts, ms. */
  readonly frequencyHalfLifeMs: number;
  /** What is cut out of every text before anything is made of it. */
  readonly redaction: RedactionSwitches;
  /** Removes what deleted rows left in the write-ahead log and in backups. */
  removeTraces(): Promise<void>;
}

const NOTHING: PromptContext = { facts: [], exchanges: [], answerWords: null };

/**
 * {@link ProfileStore} on SQLite. Consent is read in the transaction that would store, so that a withdrawal holds from the
 * very next row on; after it the profile is not used for prompts either.
 */
export class SqliteProfileStore implements ProfileStore, GuestRecord, VoiceRecord {
  readonly #parts: ProfileStoreParts;

  constructor(parts: ProfileStoreParts) {
    this.#parts = parts;
  }

  async active(): Promise<Profile> {
    const { database, vault, clock, logger } = this.#parts;
    return await database.transaction(async (handle) => {
      const id = await readSetting(handle, "active_profile");
      const known = id === undefined ? undefined : await readProfile(handle, id);
      if (known) return known;
      const created = await insertProfile(handle, vault, null, clock.now());
      await writeSetting(handle, "active_profile", created.id);
      logger.info({ profile: created.id }, "profile created");
      return created;
    });
  }

  /**
   * @throws AppError E_CONSENT_NEEDS_PRESENCE when consent is granted from afar (withdrawing works from anywhere),
   * E_PROFILE_UNKNOWN.
   */
  async setConsent(profileId: string, purpose: ConsentPurpose, granted: boolean, origin: ConsentOrigin): Promise<void> {
    if (granted && origin !== "button" && origin !== "spoken") {
      throw new AppError("E_CONSENT_NEEDS_PRESENCE", `consent cannot be granted by ${origin}`);
    }
    const { database, clock, logger } = this.#parts;
    let printsDeleted = 0;
    await database.transaction(
      async (handle) => {
        if (!(await readProfile(handle, profileId)))
          throw new AppError("E_PROFILE_UNKNOWN", "there is no such profile");
        await appendConsent(handle, profileId, { atMs: clock.now(), purpose, granted, origin });
        if (purpose === "speaker" && !granted) printsDeleted = await deleteVoicePrint(handle, profileId);
      },
      { durable: true },
    );
    if (printsDeleted > 0) await this.#parts.removeTraces();
    logger.info({ profile: profileId, purpose, granted, origin }, "consent changed");
  }

  isConsentDue(profileId: string): Promise<boolean> {
    return isConsentDue(this.#parts.database, profileId);
  }

  async noteConsentAsked(profileId: string): Promise<void> {
    await this.#parts.database.transaction((handle) => noteConsentAsked(handle, profileId), { durable: true });
  }

  async compareVoice(profileId: string, model: string, print: Float32Array, threshold: number) {
    const { database, vault } = this.#parts;
    return await database.transaction(async (handle) => {
      if (!(await hasConsent(handle, profileId, "speaker"))) return null;
      const known = await readVoicePrint(handle, await vault.cipher(handle, profileId), profileId);
      return voiceOf(known, model, print, threshold);
    });
  }

  async learnVoice(profileId: string, model: string, print: Float32Array): Promise<boolean> {
    const { database, vault } = this.#parts;
    return await database.transaction(async (handle) => {
      if (!(await hasConsent(handle, profileId, "speaker"))) return false;
      const cipher = await vault.cipher(handle, profileId);
      const known = await readVoicePrint(handle, cipher, profileId);
      await writeVoicePrint(handle, cipher, profileId, withUtterance(known, model, print));
      return true;
    });
  }

  async guestSince(): Promise<number | null> {
    const value = await readSetting(this.#parts.database, "guest_since_ms");
    return value === undefined ? null : Number(value);
  }

  async setGuestSince(sinceMs: number | null): Promise<void> {
    const value = sinceMs === null ? null : String(sinceMs);
    await this.#parts.database.transaction((handle) => writeSetting(handle, "guest_since_ms", value), {
      durable: true,
    });
  }

  async record(said: NewInteraction): Promise<StoreOutcome> {
    const { database, vault, embedder, recall, frequencyHalfLifeMs } = this.#parts;
    // First of all: neither rows nor vectors nor statistics are made of what is to be cut out.
    const interaction = { ...said, input: this.#redacted(said.input), answer: this.#redacted(said.answer) };
    const { profileId } = interaction;
    const [embedded] = await embedder.embed([interaction.input]);
    const vector = shrink(embedded ?? new Float32Array(embedder.dimensions));
    const store = async (handle: SqlTransaction): Promise<StoreOutcome> => {
      if (!(await hasConsent(handle, profileId, "store"))) return { kind: "declined", reason: "no_consent" };
      const cipher = await vault.cipher(handle, profileId);
      const statistics = await readStatistics(handle, cipher, profileId);
      await writeStatistics(handle, cipher, profileId, withInteraction(statistics, interaction, frequencyHalfLifeMs));
      const stored = { embedderId: embedder.id, vector };
      return { kind: "stored", interactionId: await insertInteraction(handle, cipher, interaction, stored) };
    };
    // What was answered is kept, also when the power is cut right after.
    const outcome = await database.transaction(store, { durable: true });
    if (outcome.kind === "stored") {
      const { atMs, modality } = interaction;
      const index = await recall.loaded(profileId);
      if (index && !index.get(outcome.interactionId)) {
        const answerWords = countWords(interaction.answer);
        index.add({ id: outcome.interactionId, atMs, modality, answerWords, vector, signals: [] });
      }
    }
    return outcome;
  }

  async addSignal(interactionId: string, given: Signal): Promise<SignalOutcome> {
    const { database, vault, recall } = this.#parts;
    const signal = { ...given, correction: given.correction === null ? null : this.#redacted(given.correction) };
    const add = async (handle: SqlTransaction) => {
      const profileId = await ownerOf(handle, interactionId);
      if (profileId === undefined) return { kind: "declined", reason: "unknown_interaction" } as const;
      if (!(await hasConsent(handle, profileId, "store"))) return { kind: "declined", reason: "no_consent" } as const;
      await insertSignal(handle, await vault.cipher(handle, profileId), interactionId, signal);
      return { kind: "stored", profileId } as const;
    };
    const result = await database.transaction(add, { durable: true });
    if (result.kind === "declined") return result;
    (await recall.loaded(result.profileId))?.addSignal(interactionId, signal);
    return { kind: "stored" };
  }

  async learnFact(
    profileId: string,
    fact: Pick<Fact, "kind" | "statement" | "value" | "interactionId">,
  ): ReturnType<ProfileStore["learnFact"]> {
    const { database, vault, clock } = this.#parts;
    const learn = async (handle: SqlTransaction): ReturnType<ProfileStore["learnFact"]> => {
      if (!(await hasConsent(handle, profileId, "store"))) return { kind: "declined", reason: "no_consent" };
      const cipher = await vault.cipher(handle, profileId);
      const { interactionId } = fact;
      const isKnown = interactionId !== null && (await ownerOf(handle, interactionId)) === profileId;
      const words = { statement: this.#redacted(fact.statement), value: this.#redacted(fact.value) };
      const row = { ...fact, ...words, interactionId: isKnown ? interactionId : null, atMs: clock.now() };
      return { kind: "stored", factId: await storeFact(handle, cipher, profileId, row) };
    };
    return await database.transaction(learn, { durable: true });
  }

  async forgetFacts(profileId: string, topic: FactTopic): Promise<number> {
    const { database, vault } = this.#parts;
    const count = await database.transaction(
      async (handle) => {
        if (!(await readProfile(handle, profileId))) return 0;
        const facts = await readFacts(handle, await vault.cipher(handle, profileId), profileId);
        const meant = facts.filter((fact) => isAbout(topic, fact));
        for (const fact of meant) await handle.run("DELETE FROM facts WHERE id = ?", [fact.id]);
        return meant.length;
      },
      { durable: true },
    );
    if (count > 0) await this.#parts.removeTraces();
    return count;
  }

  async promptContext(request: PromptContextRequest): Promise<PromptContext> {
    const { database, vault, embedder, recall } = this.#parts;
    const { profileId, countTokens } = request;
    if (!(await hasConsent(database, profileId, "store"))) return NOTHING;
    const [query = new Float32Array(embedder.dimensions)] = await embedder.embed([request.input]);
    const index = await recall.index(profileId);
    const cipher = await vault.cipher(database, profileId);
    const facts = await readFacts(database, cipher, profileId);
    const candidates = await this.#exchanges(request, query, index);
    return {
      facts: factsWithin(facts, request.factTokens, countTokens),
      exchanges: takeWithin(
        candidates,
        request.exchangeTokens,
        (exchange) => countTokens(exchange.input) + countTokens(exchange.answer),
      ).slice(0, request.maxExchanges),
      answerWords: preferredAnswerWords(facts, index.approvedAnswerWords),
      exchangeIds: new Set(Array.from(index.entries, ({ id }) => id)),
    };
  }

  #redacted(text: string): string {
    return redact(text, this.#parts.redaction);
  }

  async #exchanges(
    request: PromptContextRequest,
    query: Float32Array,
    index: RecallIndex,
  ): Promise<PromptContext["exchanges"]> {
    const { database, vault, vectorParameters, retrieval } = this.#parts;
    const { nowMs, maxExchanges, profileId } = request;
    const entries = Array.from(index.entries, (entry) => ({
      id: entry.id,
      vector: entry.vector,
      similarity: dotSmall(query, entry.vector),
      atMs: entry.atMs,
      ageMs: nowMs - entry.atMs,
      modality: entry.modality,
      satisfaction: entry.satisfaction,
      isCorrected: entry.isCorrected,
    }));
    const profile = profileVector(entries, query.length, vectorParameters);
    // Some fall out again as repetitions or as too long, hence more than are asked for.
    const ranked = rankExchanges(entries, profile, nowMs, maxExchanges * 4, retrieval);
    const cipher = await vault.cipher(database, profileId);
    const seen = new Set<string>();
    const exchanges: { input: string; answer: string; interactionId: string }[] = [];
    for (const { id } of ranked) {
      const exchange = await readExchange(database, cipher, id);
      const key = exchange?.input.toLowerCase().trim();
      if (exchange === undefined || key === undefined || seen.has(key)) continue;
      seen.add(key);
      const answer = index.get(id)?.correction ?? exchange.answer;
      exchanges.push({ input: exchange.input, answer, interactionId: id });
    }
    return exchanges;
  }
}
