import type { Clock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { consentHistory, hasConsent } from "./consent-ledger.ts";
import { eraseProfile } from "./erasure.ts";
import { factOwner, readFacts, rewriteFact } from "./fact-rows.ts";
import { decayed } from "./frequency.ts";
import {
  countInteractionsOutside,
  openInteractions,
  ownerOf,
  readInteractionIds,
  selectInteractions,
} from "./interaction-rows.ts";
import type {
  DeletionReceipt,
  Fact,
  FactEdit,
  ForgetReceipt,
  Interaction,
  Profile,
  ProfileArchive,
  ProfileExport,
  ProfileListing,
  ProfileSummary,
  SignalKind,
  SqlTransaction,
} from "./ports.ts";
import { insertProfile, listProfiles, readProfile, writeSetting } from "./profile-rows.ts";
import type { ProfileVault } from "./profile-vault.ts";
import { preferredAnswerWords } from "./prompt-context.ts";
import type { RecallCache } from "./recall-cache.ts";
import { type RedactionSwitches, redact } from "./redaction.ts";
import { varianceOf } from "./running-moments.ts";
import type { SignalTable } from "./satisfaction.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";
import { NO_STATISTICS, readStatistics, withInteraction, writeStatistics } from "./statistics-row.ts";

export interface ProfileArchiveParts {
  readonly database: SqliteDatabase;
  readonly vault: ProfileVault;
  readonly recall: RecallCache;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signalTable: SignalTable;
  /** Half-life of the frequency counts, ms. */
  readonly frequencyHalfLifeMs: number;
  /** What is cut out of texts before they are written. */
  readonly redaction: RedactionSwitches;
  /** Removes what deleted rows left in the write-ahead log and in backups. */
  removeTraces(): Promise<void>;
}

/** {@link ProfileArchive} on SQLite. Works whatever the consent: one's own data can be seen and erased at any time. */
export class SqliteProfileArchive implements ProfileArchive {
  readonly #parts: ProfileArchiveParts;

  constructor(parts: ProfileArchiveParts) {
    this.#parts = parts;
  }

  list(): Promise<ProfileListing[]> {
    const { database, vault } = this.#parts;
    return database.transaction((handle) => listProfiles(handle, vault));
  }

  create(label: string | null): Promise<Profile> {
    const { database, vault, clock, redaction } = this.#parts;
    const words = label === null ? null : redact(label, redaction);
    return database.transaction((handle) => insertProfile(handle, vault, words, clock.now()), { durable: true });
  }

  async select(profileId: string): Promise<void> {
    await this.#parts.database.transaction(
      async (handle) => {
        await known(handle, profileId);
        await writeSetting(handle, "active_profile", profileId);
      },
      { durable: true },
    );
  }

  async summary(profileId: string): Promise<ProfileSummary> {
    const { database, vault, recall, clock, frequencyHalfLifeMs } = this.#parts;
    const listing = (await this.list()).find((profile) => profile.id === profileId);
    if (!listing) throw unknownProfile();
    const { approvedAnswerWords } = await recall.index(profileId);
    return await database.transaction(async (handle) => {
      const cipher = await vault.cipher(handle, profileId);
      const facts = await readFacts(handle, cipher, profileId);
      const { style, frequency } = await readStatistics(handle, cipher, profileId);
      const now = decayed(frequency, clock.now(), frequencyHalfLifeMs);
      return {
        ...listing,
        facts,
        signalCounts: await countSignals(handle, profileId),
        domains: now.domains,
        hours: now.hours,
        style: Object.fromEntries(
          Object.entries(style).map(([feature, moments]) => [
            feature,
            { mean: moments.mean, variance: varianceOf(moments), count: moments.count },
          ]),
        ),
        answerWords: preferredAnswerWords(facts, approvedAnswerWords),
        consentHistory: await consentHistory(handle, profileId),
      };
    });
  }

  async interactions(profileId: string, limit = Number.MAX_SAFE_INTEGER): Promise<Interaction[]> {
    const { database, vault, signalTable } = this.#parts;
    const select = async (handle: SqlTransaction) => ({
      cipher: await vault.cipher(handle, profileId),
      sealed: await selectInteractions(handle, profileId, limit),
    });
    const { sealed, cipher } = await database.transaction(select);
    try {
      return await openInteractions(sealed, cipher, signalTable);
    } catch (error) {
      if (!isAppError(error, "E_KEY_MISMATCH")) throw error;
      // The key may have been replaced, or the profile forgotten, since: once more, with both kept as they are.
      return await database.transaction(async (handle) => {
        const again = await select(handle);
        return await openInteractions(again.sealed, again.cipher, signalTable);
      });
    }
  }

  async interactionIds(profileId: string): Promise<string[]> {
    return await readInteractionIds(this.#parts.database, profileId);
  }

  async interactionsOutside(profileId: string, known: readonly string[], limit: number): Promise<number> {
    return await countInteractionsOutside(this.#parts.database, profileId, known, limit);
  }

  facts(profileId: string): Promise<Fact[]> {
    const { database, vault } = this.#parts;
    return database.transaction(async (handle) => readFacts(handle, await vault.cipher(handle, profileId), profileId));
  }

  editFact(factId: string, change: Pick<Fact, "statement" | "value">): Promise<FactEdit> {
    const { database, vault, clock, redaction } = this.#parts;
    return database.transaction(async (handle): Promise<FactEdit> => {
      const profileId = await factOwner(handle, factId);
      if (profileId === undefined) return { kind: "declined", reason: "unknown_fact" };
      if (!(await hasConsent(handle, profileId, "store"))) return { kind: "declined", reason: "no_consent" };
      const cipher = await vault.cipher(handle, profileId);
      const old = (await readFacts(handle, cipher, profileId)).find((fact) => fact.id === factId);
      if (!old) return { kind: "declined", reason: "unknown_fact" };
      const words = { statement: redact(change.statement, redaction), value: redact(change.value, redaction) };
      await rewriteFact(handle, cipher, factId, { ...words, kind: old.kind }, clock.now());
      return { kind: "stored" };
    });
  }

  async deleteFact(factId: string): Promise<boolean> {
    const { database } = this.#parts;
    const { changes } = await database.transaction((handle) => handle.run("DELETE FROM facts WHERE id = ?", [factId]), {
      durable: true,
    });
    if (changes > 0) await this.#parts.removeTraces();
    return changes > 0;
  }

  async deleteInteraction(interactionId: string): Promise<DeletionReceipt | null> {
    const { database, recall, logger } = this.#parts;
    const deleted = await database.transaction((handle) => this.#deleteInteraction(handle, interactionId), {
      durable: true,
    });
    if (!deleted) return null;
    (await recall.loaded(deleted.profileId))?.remove(interactionId);
    await this.#parts.removeTraces();
    logger.info({ interaction: interactionId }, "interaction deleted");
    return deleted.receipt;
  }

  async export(profileId: string): Promise<ProfileExport> {
    const profile = await this.summary(profileId);
    const interactions = await this.interactions(profileId);
    return { format: "asls-profile", version: 2, exportedAtMs: this.#parts.clock.now(), profile, interactions };
  }

  async oldestMs(profileId: string): Promise<number | null> {
    const row = await this.#parts.database.get<{ oldest: number | null }>(
      "SELECT MIN(at_ms) AS oldest FROM interactions WHERE profile_id = ?",
      [profileId],
    );
    return row?.oldest ?? null;
  }

  async setRetention(profileId: string, days: number | null): Promise<void> {
    await this.#parts.database.transaction(async (handle) => {
      await known(handle, profileId);
      await handle.run("UPDATE profiles SET retention_days = ? WHERE id = ?", [days, profileId]);
    });
  }

  async deleteBefore(profileId: string, beforeMs: number): Promise<DeletionReceipt & { ids: readonly string[] }> {
    const { database, recall, logger } = this.#parts;
    const deleted = await database.transaction(
      async (handle) => {
        const rows = await handle.all<{ id: string }>(
          "SELECT id FROM interactions WHERE profile_id = ? AND at_ms < ? ORDER BY sequence",
          [profileId, beforeMs],
        );
        const ids = rows.map(({ id }) => id);
        if (ids.length === 0) return { ids, interactions: 0, signals: 0, facts: 0 };
        return { ids, ...(await this.#deleteRows(handle, profileId, ids)) };
      },
      { durable: true },
    );
    if (deleted.ids.length === 0) return deleted;
    const index = await recall.loaded(profileId);
    for (const id of deleted.ids) index?.remove(id);
    await this.#parts.removeTraces();
    logger.info({ profile: profileId, interactions: deleted.ids.length }, "expired interactions deleted");
    return deleted;
  }

  async forget(profileId: string): Promise<ForgetReceipt> {
    const { database, vault, recall, clock, logger } = this.#parts;
    const receipt = await eraseProfile(database, profileId, clock.now());
    if (!receipt) throw unknownProfile();
    vault.destroy(profileId);
    recall.drop(profileId);
    const { rows, files, verified } = receipt;
    logger.info({ profile: profileId, rows, files, verified }, "profile forgotten");
    return receipt;
  }

  async #deleteInteraction(
    handle: SqlTransaction,
    interactionId: string,
  ): Promise<{ profileId: string; receipt: DeletionReceipt } | undefined> {
    const profileId = await ownerOf(handle, interactionId);
    if (profileId === undefined) return undefined;
    return { profileId, receipt: await this.#deleteRows(handle, profileId, [interactionId]) };
  }

  async #deleteRows(handle: SqlTransaction, profileId: string, ids: readonly string[]): Promise<DeletionReceipt> {
    const { vault, signalTable, frequencyHalfLifeMs } = this.#parts;
    let signals = 0;
    let facts = 0;
    for (const id of ids) {
      signals += (await handle.run("DELETE FROM signals WHERE interaction_id = ?", [id])).changes;
      facts += (await handle.run("DELETE FROM facts WHERE interaction_id = ?", [id])).changes;
      await handle.run("DELETE FROM interactions WHERE id = ?", [id]);
    }
    const cipher = await vault.cipher(handle, profileId);
    // Rebuilt from what is left: as if the rows had never existed.
    const sealed = await selectInteractions(handle, profileId, Number.MAX_SAFE_INTEGER);
    const left = await openInteractions(sealed, cipher, signalTable);
    const statistics = left.reduce((sum, turn) => withInteraction(sum, turn, frequencyHalfLifeMs), NO_STATISTICS);
    await writeStatistics(handle, cipher, profileId, statistics);
    return { interactions: ids.length, signals, facts };
  }
}

async function known(database: SqlTransaction, profileId: string): Promise<void> {
  if (!(await readProfile(database, profileId))) throw unknownProfile();
}

function unknownProfile(): AppError {
  return new AppError("E_PROFILE_UNKNOWN", "there is no such profile");
}

async function countSignals(database: SqlTransaction, profileId: string): Promise<Partial<Record<SignalKind, number>>> {
  const rows = await database.all<{ kind: SignalKind; count: number }>(
    `SELECT s.kind, COUNT(*) AS count FROM signals s JOIN interactions i ON i.id = s.interaction_id
     WHERE i.profile_id = ? GROUP BY s.kind ORDER BY s.kind`,
    [profileId],
  );
  return Object.fromEntries(rows.map((row) => [row.kind, row.count]));
}
