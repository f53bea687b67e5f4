import { randomId } from "../core/ids.ts";
import { mapInPieces } from "../core/map-in-pieces.ts";
import type { Domain, Interaction, Modality, NewInteraction, Signal, SignalKind, SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";
import { type SignalTable, satisfactionOf } from "./satisfaction.ts";
import { countWords } from "./style.ts";
import { decodeVector, encodeVector, type SmallVector } from "./vectors.ts";

/** Rows decrypted before the event loop gets its turn: about 4 ms on x86. */
const ROWS_AT_ONCE = 50;

/** What an interaction is made of again; its vector is read by itself. */
const INTERACTION_COLUMNS = [
  "id",
  "profile_id",
  "at_ms",
  "modality",
  "domain",
  "hour",
  "weekday",
  "board_state",
  "adapter_version",
  "sealed_input",
  "sealed_answer",
] as const satisfies readonly (keyof InteractionRow)[];

interface InteractionRow {
  readonly id: string;
  readonly profile_id: string;
  readonly at_ms: number;
  readonly modality: Modality;
  readonly domain: Domain;
  readonly hour: number;
  readonly weekday: number;
  readonly board_state: string;
  readonly adapter_version: string | null;
  readonly sealed_input: Uint8Array;
  readonly sealed_answer: Uint8Array;
}

interface SignalRow {
  readonly id: string;
  readonly interaction_id: string;
  readonly at_ms: number;
  readonly kind: SignalKind;
  readonly sealed_correction: Uint8Array | null;
}

/** A stored sentence vector and the embedder that made it. */
export interface StoredVector {
  readonly embedderId: string;
  readonly vector: SmallVector;
}

/** Stores an interaction; returns its id. */
export async function insertInteraction(
  database: SqlTransaction,
  cipher: ProfileCipher,
  interaction: NewInteraction,
  stored: StoredVector,
): Promise<string> {
  const id = randomId("i");
  const { context } = interaction;
  await database.run(
    `INSERT INTO interactions (id, sequence, profile_id, at_ms, modality, domain, hour, weekday, board_state,
       adapter_version, answer_words, embedder_id, sealed_input, sealed_answer, sealed_vector)
     VALUES (?, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM interactions), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      id,
      interaction.profileId,
      interaction.atMs,
      interaction.modality,
      interaction.domain,
      context.hour,
      context.weekday,
      context.boardState,
      context.adapterVersion,
      countWords(interaction.answer),
      stored.embedderId,
      cipher.sealText("interactions", "sealed_input", id, interaction.input),
      cipher.sealText("interactions", "sealed_answer", id, interaction.answer),
      cipher.sealBytes("interactions", "sealed_vector", id, encodeVector(stored.vector)),
    ],
  );
  return id;
}

/** Replaces the vector of an interaction, after a change of the embedder. */
export async function updateVector(
  database: SqlTransaction,
  cipher: ProfileCipher,
  interactionId: string,
  stored: StoredVector,
): Promise<void> {
  const sealed = cipher.sealBytes("interactions", "sealed_vector", interactionId, encodeVector(stored.vector));
  await database.run("UPDATE interactions SET embedder_id = ?, sealed_vector = ? WHERE id = ?", [
    stored.embedderId,
    sealed,
    interactionId,
  ]);
}

/** Interactions as they are stored, oldest first, with the signals of all of them in time order. */
export interface SealedInteractions {
  readonly rows: readonly InteractionRow[];
  readonly signals: readonly SignalRow[];
}

/** The newest `limit` interactions of a profile. */
export async function selectInteractions(
  database: SqlTransaction,
  profileId: string,
  limit: number,
): Promise<SealedInteractions> {
  const rows = await database.all<InteractionRow>(
    `SELECT ${INTERACTION_COLUMNS.join(", ")} FROM interactions WHERE profile_id = ? ORDER BY sequence DESC LIMIT ?`,
    [profileId, limit],
  );
  return { rows: rows.reverse(), signals: await selectSignals(database, profileId, limit) };
}

/** Decrypts; thousands of them take a second on a board, for which nobody should wait with the database held. */
export async function openInteractions(
  { rows, signals }: SealedInteractions,
  cipher: ProfileCipher,
  table: SignalTable,
): Promise<Interaction[]> {
  const opened = await openSignals(signals, cipher);
  return await mapInPieces(rows, ROWS_AT_ONCE, (row) => interactionFrom(row, cipher, opened.get(row.id) ?? [], table));
}

/** Ids of a profile's interactions, oldest first. */
export async function readInteractionIds(database: Pick<SqlTransaction, "all">, profileId: string): Promise<string[]> {
  const rows = await database.all<{ id: string }>(
    "SELECT id FROM interactions WHERE profile_id = ? ORDER BY sequence",
    [profileId],
  );
  return rows.map(({ id }) => id);
}

/** How many of the newest `limit` interactions are not among `known`. */
export async function countInteractionsOutside(
  database: Pick<SqlTransaction, "get">,
  profileId: string,
  known: readonly string[],
  limit: number,
): Promise<number> {
  const row = await database.get<{ count: number }>(
    `SELECT COUNT(*) AS count FROM (SELECT id FROM interactions WHERE profile_id = ? ORDER BY sequence DESC LIMIT ?)
     WHERE id NOT IN (SELECT value FROM json_each(?))`,
    [profileId, limit, JSON.stringify(known)],
  );
  return row?.count ?? 0;
}

/** Input and answer of one interaction. */
export async function readExchange(
  database: SqlTransaction,
  cipher: ProfileCipher,
  id: string,
): Promise<{ input: string; answer: string } | undefined> {
  const row = await database.get<Pick<InteractionRow, "sealed_input" | "sealed_answer">>(
    "SELECT sealed_input, sealed_answer FROM interactions WHERE id = ?",
    [id],
  );
  return (
    row && {
      input: cipher.openText("interactions", "sealed_input", id, row.sealed_input),
      answer: cipher.openText("interactions", "sealed_answer", id, row.sealed_answer),
    }
  );
}

/** The newest `limit` vectors of a profile, oldest first. */
export async function readVectors(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  limit: number,
): Promise<(StoredVector & { id: string; atMs: number; modality: Modality; answerWords: number })[]> {
  const rows = await database.all<{
    id: string;
    at_ms: number;
    modality: Modality;
    answer_words: number;
    embedder_id: string;
    sealed_vector: Uint8Array;
  }>(
    `SELECT id, at_ms, modality, answer_words, embedder_id, sealed_vector FROM interactions WHERE profile_id = ?
     ORDER BY sequence DESC LIMIT ?`,
    [profileId, limit],
  );
  return await mapInPieces(rows.reverse(), ROWS_AT_ONCE, (row) => ({
    id: row.id,
    atMs: row.at_ms,
    modality: row.modality,
    answerWords: row.answer_words,
    embedderId: row.embedder_id,
    vector: decodeVector(cipher.openBytes("interactions", "sealed_vector", row.id, row.sealed_vector)),
  }));
}

/** Which profile an interaction belongs to; undefined when it is gone. */
export async function ownerOf(database: SqlTransaction, interactionId: string): Promise<string | undefined> {
  const row = await database.get<{ profile_id: string }>("SELECT profile_id FROM interactions WHERE id = ?", [
    interactionId,
  ]);
  return row?.profile_id;
}

export async function insertSignal(
  database: SqlTransaction,
  cipher: ProfileCipher,
  interactionId: string,
  signal: Signal,
): Promise<void> {
  const id = randomId("s");
  const correction =
    signal.correction === null ? null : cipher.sealText("signals", "sealed_correction", id, signal.correction);
  await database.run(
    "INSERT INTO signals (id, interaction_id, at_ms, kind, sealed_correction) VALUES (?, ?, ?, ?, ?)",
    [id, interactionId, signal.atMs, signal.kind, correction],
  );
}

/** Signals of the newest `limit` interactions of a profile by interaction id, each list in time order. */
export async function readSignals(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  limit: number,
): Promise<Map<string, Signal[]>> {
  return await openSignals(await selectSignals(database, profileId, limit), cipher);
}

async function selectSignals(database: SqlTransaction, profileId: string, limit: number): Promise<SignalRow[]> {
  return await database.all<SignalRow>(
    `SELECT s.* FROM (SELECT id FROM interactions WHERE profile_id = ? ORDER BY sequence DESC LIMIT ?) i
     JOIN signals s ON s.interaction_id = i.id ORDER BY s.at_ms`,
    [profileId, limit],
  );
}

async function openSignals(rows: readonly SignalRow[], cipher: ProfileCipher): Promise<Map<string, Signal[]>> {
  const corrections = await mapInPieces(rows, ROWS_AT_ONCE, ({ id, sealed_correction: sealed }) =>
    sealed === null ? null : cipher.openText("signals", "sealed_correction", id, sealed),
  );
  const signals = new Map<string, Signal[]>();
  for (const [i, row] of rows.entries()) {
    const list = signals.get(row.interaction_id) ?? [];
    list.push({ kind: row.kind, atMs: row.at_ms, correction: corrections[i] ?? null });
    signals.set(row.interaction_id, list);
  }
  return signals;
}

function interactionFrom(
  row: InteractionRow,
  cipher: ProfileCipher,
  signals: readonly Signal[],
  table: SignalTable,
): Interaction {
  return {
    id: row.id,
    profileId: row.profile_id,
    atMs: row.at_ms,
    modality: row.modality,
    input: cipher.openText("interactions", "sealed_input", row.id, row.sealed_input),
    answer: cipher.openText("interactions", "sealed_answer", row.id, row.sealed_answer),
    domain: row.domain,
    context: {
      hour: row.hour,
      weekday: row.weekday,
      boardState: row.board_state,
      adapterVersion: row.adapter_version,
    },
    signals,
    satisfaction: satisfactionOf(signals, table),
  };
}
