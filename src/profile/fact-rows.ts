import { randomId } from "../core/ids.ts";
import { type LearnableFact, replaces } from "./fact-rules.ts";
import type { Fact, SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";

interface FactRow {
  readonly id: string;
  readonly profile_id: string;
  readonly interaction_id: string | null;
  readonly updated_at_ms: number;
  readonly sealed_fact: Uint8Array;
}

export async function readFacts(database: SqlTransaction, cipher: ProfileCipher, profileId: string): Promise<Fact[]> {
  const rows = await database.all<FactRow>("SELECT * FROM facts WHERE profile_id = ? ORDER BY updated_at_ms, id", [
    profileId,
  ]);
  return rows.map((row) => ({
    // The kind is sealed as well: "health" alone would already say something.
    ...(JSON.parse(cipher.openText("facts", "sealed_fact", row.id, row.sealed_fact)) as LearnableFact),
    id: row.id,
    interactionId: row.interaction_id,
    updatedAtMs: row.updated_at_ms,
  }));
}

/** Stores a fact in the place of those it replaces. An unchanged fact keeps its id and time, hence its place in the prompt. */
export async function storeFact(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  fact: LearnableFact & { readonly interactionId: string | null; readonly atMs: number },
): Promise<string> {
  const obsolete = (await readFacts(database, cipher, profileId)).filter((old) => replaces(fact, old));
  const same = obsolete.find((old) => old.value === fact.value && old.statement === fact.statement);
  for (const old of obsolete) if (old !== same) await database.run("DELETE FROM facts WHERE id = ?", [old.id]);
  if (same) return same.id;
  const id = randomId("f");
  await database.run(
    "INSERT INTO facts (id, profile_id, interaction_id, updated_at_ms, sealed_fact) VALUES (?, ?, ?, ?, ?)",
    [id, profileId, fact.interactionId, fact.atMs, sealedFact(cipher, id, fact)],
  );
  return id;
}

/** Replaces the words of a fact; it counts as typed in by the owner from then on. */
export async function rewriteFact(
  database: SqlTransaction,
  cipher: ProfileCipher,
  id: string,
  fact: LearnableFact,
  atMs: number,
): Promise<void> {
  await database.run("UPDATE facts SET sealed_fact = ?, updated_at_ms = ?, interaction_id = NULL WHERE id = ?", [
    sealedFact(cipher, id, fact),
    atMs,
    id,
  ]);
}

/** Which profile a fact belongs to; undefined when it is gone. */
export async function factOwner(database: SqlTransaction, factId: string): Promise<string | undefined> {
  const row = await database.get<{ profile_id: string }>("SELECT profile_id FROM facts WHERE id = ?", [factId]);
  return row?.profile_id;
}

function sealedFact(cipher: ProfileCipher, id: string, { kind, statement, value }: LearnableFact): Uint8Array {
  return cipher.sealText("facts", "sealed_fact", id, JSON.stringify({ kind, statement, value }));
}
