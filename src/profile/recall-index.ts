import { openInteractions, readSignals, readVectors, selectInteractions, updateVector } from "./interaction-rows.ts";
import type { Modality, SentenceEmbedder, Signal, SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";
import { addValue, type Moments, NO_MOMENTS } from "./running-moments.ts";
import { type SignalTable, satisfactionOf, standingCorrection } from "./satisfaction.ts";
import { type SmallVector, shrink } from "./vectors.ts";

/** What recall needs of one interaction, kept in memory; no text but a correction. */
export interface RecallEntry {
  readonly id: string;
  readonly atMs: number;
  readonly modality: Modality;
  readonly answerWords: number;
  readonly vector: SmallVector;
  readonly signals: readonly Signal[];
  readonly satisfaction: { readonly estimate: number; readonly confidence: number };
  readonly correction: string | null;
  readonly isCorrected: boolean;
}

/**
 * The newest interactions of one profile in memory, so that a turn's context costs one pass over small vectors instead of
 * thousands of decryptions. About dimensions + 300 bytes an entry.
 */
export class RecallIndex {
  readonly #entries = new Map<string, RecallEntry>();
  readonly #limit: number;
  readonly #table: SignalTable;

  constructor(limit: number, table: SignalTable) {
    this.#limit = limit;
    this.#table = table;
  }

  /**
   * Reads the newest `limit` interactions; vectors of another embedder are made again and stored.
   * @param embedder borrowed.
   */
  static async load(
    database: SqlTransaction,
    cipher: ProfileCipher,
    profileId: string,
    embedder: SentenceEmbedder,
    table: SignalTable,
    limit: number,
  ): Promise<RecallIndex> {
    const index = new RecallIndex(limit, table);
    const vectors = await readVectors(database, cipher, profileId, limit);
    const isStale = vectors.some((stored) => stored.embedderId !== embedder.id);
    const fresh = isStale ? await reembed(database, cipher, profileId, embedder, table, limit) : null;
    const signals = await readSignals(database, cipher, profileId, limit);
    for (const stored of vectors) {
      index.add({
        ...stored,
        vector: fresh?.get(stored.id) ?? stored.vector,
        signals: signals.get(stored.id) ?? [],
      });
    }
    return index;
  }

  get entries(): Iterable<RecallEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Length of the answers that were liked and not corrected, in words. */
  get approvedAnswerWords(): Moments {
    let moments = NO_MOMENTS;
    for (const { satisfaction, isCorrected, answerWords } of this.#entries.values()) {
      if (!isCorrected && satisfaction.estimate * satisfaction.confidence > 0) moments = addValue(moments, answerWords);
    }
    return moments;
  }

  get(id: string): RecallEntry | undefined {
    return this.#entries.get(id);
  }

  add(entry: Pick<RecallEntry, "id" | "atMs" | "modality" | "answerWords" | "vector" | "signals">): void {
    const { id, atMs, modality, answerWords, vector, signals } = entry;
    const correction = standingCorrection(signals);
    const satisfaction = satisfactionOf(signals, this.#table);
    this.#entries.set(id, {
      id,
      atMs,
      modality,
      answerWords,
      vector,
      signals,
      satisfaction,
      correction,
      isCorrected: correction !== null,
    });
    if (this.#entries.size <= this.#limit) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  /** No effect on an interaction older than the index reaches. */
  addSignal(id: string, signal: Signal): void {
    const entry = this.#entries.get(id);
    // The same signal arrives twice when the index was loaded between its commit and this call.
    if (entry?.signals.some((old) => old.kind === signal.kind && old.atMs === signal.atMs)) return;
    if (entry) this.add({ ...entry, signals: [...entry.signals, signal] });
  }

  remove(id: string): void {
    this.#entries.delete(id);
  }
}

async function reembed(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  embedder: SentenceEmbedder,
  table: SignalTable,
  limit: number,
): Promise<Map<string, SmallVector>> {
  const interactions = await openInteractions(await selectInteractions(database, profileId, limit), cipher, table);
  const vectors = await embedder.embed(interactions.map((interaction) => interaction.input));
  const fresh = new Map<string, SmallVector>();
  for (const [i, interaction] of interactions.entries()) {
    const vector = shrink(vectors[i] ?? new Float32Array(embedder.dimensions));
    fresh.set(interaction.id, vector);
    await updateVector(database, cipher, interaction.id, { embedderId: embedder.id, vector });
  }
  return fresh;
}
