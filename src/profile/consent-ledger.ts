import type { ConsentEntry, ConsentPurpose, Profile, SqlTransaction } from "./ports.ts";

const PURPOSES: readonly ConsentPurpose[] = ["store", "train", "telemetry"];

/** Adds one row to the append-only ledger. */
export async function appendConsent(database: SqlTransaction, profileId: string, entry: ConsentEntry): Promise<void> {
  await database.run(
    "INSERT INTO consent_ledger (profile_id, at_ms, purpose, granted, origin) VALUES (?, ?, ?, ?, ?)",
    [profileId, entry.atMs, entry.purpose, entry.granted ? 1 : 0, entry.origin],
  );
}

/** What stands now: the newest row per purpose; off where there is none. */
export async function consentOf(database: SqlTransaction, profileId: string): Promise<Profile["consent"]> {
  const history = await consentHistory(database, profileId);
  const standing = { store: false, train: false, telemetry: false };
  for (const entry of history) standing[entry.purpose] = entry.granted;
  return standing;
}

export async function hasConsent(
  database: SqlTransaction,
  profileId: string,
  purpose: ConsentPurpose,
): Promise<boolean> {
  const row = await database.get<{ granted: number }>(
    "SELECT granted FROM consent_ledger WHERE profile_id = ? AND purpose = ? ORDER BY sequence DESC LIMIT 1",
    [profileId, purpose],
  );
  return row?.granted === 1;
}

/** Every change, oldest first. */
export async function consentHistory(database: SqlTransaction, profileId: string): Promise<ConsentEntry[]> {
  const rows = await database.all<{
    at_ms: number;
    purpose: ConsentPurpose;
    granted: number;
    origin: ConsentEntry["origin"];
  }>("SELECT at_ms, purpose, granted, origin FROM consent_ledger WHERE profile_id = ? ORDER BY sequence", [profileId]);
  return rows.map((row) => ({
    atMs: row.at_ms,
    purpose: row.purpose,
    granted: row.granted === 1,
    origin: row.origin,
  }));
}

/** Withdraws whatever stands, because the profile is erased. */
export async function withdrawAll(database: SqlTransaction, profileId: string, atMs: number): Promise<void> {
  const standing = await consentOf(database, profileId);
  for (const purpose of PURPOSES) {
    if (standing[purpose])
      await appendConsent(database, profileId, { atMs, purpose, granted: false, origin: "forget" });
  }
}
