import { generationOf } from "./envelope.ts";
import type { SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";

/** Every column that holds envelopes. `owner` finds the rows of a profile (?1). */
const SEALED: readonly { readonly table: string; readonly columns: readonly string[]; readonly owner: string }[] = [
  { table: "profiles", columns: ["sealed_label", "sealed_statistics", "sealed_voice_print"], owner: "id = ?1" },
  {
    table: "interactions",
    columns: ["sealed_input", "sealed_answer", "sealed_vector"],
    owner: "profile_id = ?1",
  },
  { table: "facts", columns: ["sealed_fact"], owner: "profile_id = ?1" },
  {
    table: "signals",
    columns: ["sealed_correction"],
    owner: "interaction_id IN (SELECT id FROM interactions WHERE profile_id = ?1)",
  },
];

/** Where a walk over the sealed rows of a profile has come to. */
export interface SealedCursor {
  readonly tableIndex: number;
  /** Last id that was looked at. */
  readonly id: string;
}

export const FIRST_CURSOR: SealedCursor = { tableIndex: 0, id: "" };

/**
 * Seals the next `limit` rows anew that the present key has not sealed yet.
 * @returns where to go on, null at the end, and how many rows were changed.
 */
export async function resealNext(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  cursor: SealedCursor,
  limit: number,
): Promise<{ readonly next: SealedCursor | null; readonly changed: number }> {
  const part = SEALED[cursor.tableIndex];
  if (part === undefined) return { next: null, changed: 0 };
  const { table, columns, owner } = part;
  const rows = await database.all<Record<string, Uint8Array | null> & { readonly id: never }>(
    `SELECT id, ${columns.join(", ")} FROM ${table} WHERE ${owner} AND id > ?2 ORDER BY id LIMIT ?3`,
    [profileId, cursor.id, limit],
  );
  let changed = 0;
  for (const row of rows) {
    const id = String(row.id);
    const stale = columns.filter((column) => {
      const envelope = row[column];
      return envelope != null && generationOf(envelope) !== cipher.generation;
    });
    if (stale.length === 0) continue;
    const envelopes = stale.map((column) => cipher.reseal(table, column, id, row[column] ?? new Uint8Array()));
    await database.run(`UPDATE ${table} SET ${stale.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`, [
      ...envelopes,
      id,
    ]);
    changed += 1;
  }
  const last = rows.at(-1);
  const next =
    last !== undefined && rows.length === limit
      ? { tableIndex: cursor.tableIndex, id: String(last.id) }
      : { tableIndex: cursor.tableIndex + 1, id: "" };
  return { next: next.tableIndex < SEALED.length ? next : null, changed };
}
