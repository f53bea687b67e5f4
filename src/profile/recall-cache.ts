import type { SentenceEmbedder, SqlDatabase } from "./ports.ts";
import type { ProfileVault } from "./profile-vault.ts";
import { RecallIndex } from "./recall-index.ts";
import type { SignalTable } from "./satisfaction.ts";

export interface RecallCacheOptions {
  readonly database: SqlDatabase;
  readonly vault: ProfileVault;
  readonly embedder: SentenceEmbedder;
  readonly signalTable: SignalTable;
  /** Newest interactions per profile that recall reaches. */
  readonly limit: number;
}

/** The recall indexes of the profiles in use, each loaded on first use and dropped with its profile. */
export class RecallCache {
  readonly #options: RecallCacheOptions;
  readonly #indexes = new Map<string, Promise<RecallIndex>>();

  constructor(options: RecallCacheOptions) {
    this.#options = options;
  }

  /** @throws AppError E_PROFILE_UNKNOWN, E_KEY_MISMATCH; a failed load is tried again at the next call. */
  index(profileId: string): Promise<RecallIndex> {
    const known = this.#indexes.get(profileId);
    if (known) return known;
    const { database, vault, embedder, signalTable, limit } = this.#options;
    const loading = database.transaction(async (handle) => {
      const cipher = await vault.cipher(handle, profileId);
      return await RecallIndex.load(handle, cipher, profileId, embedder, signalTable, limit);
    });
    this.#indexes.set(profileId, loading);
    loading.catch(() => this.#indexes.delete(profileId));
    return loading;
  }

  /** The index when it is in memory already: what is not loaded needs no update. */
  async loaded(profileId: string): Promise<RecallIndex | undefined> {
    return await this.#indexes.get(profileId);
  }

  drop(profileId: string): void {
    this.#indexes.delete(profileId);
  }
}
