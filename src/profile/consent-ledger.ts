import { type AskedPurpose, CONSENT_WORDING } from "./consent-wording.ts";
import {
  CONSENT_PURPOSES,
  type ConsentEntry,
  type ConsentPurpose,
  type Profile,
  type SqlTransaction,
} from "./ports.ts";

const ASKED = Object.keys(CONSENT_WORDING.questions) as readonly AskedPurpose[];

/** Adds one row to the append-only ledger, under the present words. */
export async function appendConsent(
  database: SqlTransaction,
  profileId: string,
  entry: Omit<ConsentEntry, "wordingVersion">,
): Promise<void> {
  await database.run(
    "INSERT INTO consent_ledger (profile_id, at_ms, purpose, granted, origin, wording_version) VALUES (?, ?, ?, ?, ?, ?)",
    [profileId, entry.atMs, entry.purpose, entry.granted ? 1 : 0, entry.origin, CONSENT_WORDING.version],
  );
}

/** What stands now: the newest row per purpose; off where there is none, but for answering. */
export async function consentOf(database: SqlTransaction, profileId: string): Promise<Profile["consent"]> {
  const history = await consentHistory(database, profileId);
  const standing = { answer: true, store: false, train: false, telemetry: false, speaker: false };
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
  return row === undefined ? purpose === "answer" : row.granted === 1;
}

/** Every change, oldest first. */
export async function consentHistory(database: SqlTransaction, profileId: string): Promise<ConsentEntry[]> {
  const rows = await database.all<{
    at_ms: number;
    purpose: ConsentPurpose;
    granted: number;
    origin: ConsentEntry["origin"];
    wording_version: number | null;
  }>(
    "SELECT at_ms, purpose, granted, origin, wording_version FROM consent_ledger WHERE profile_id = ? ORDER BY sequence",
    [profileId],
  );
  return rows.map((row) => ({
    atMs: row.at_ms,
    purpose: row.purpose,
    granted: row.granted === 1,
    origin: row.origin,
    wordingVersion: row.wording_version,
  }));
}

/** Withdraws whatever stands, because the profile is erased. */
export async function withdrawAll(database: SqlTransaction, profileId: string, atMs: number): Promise<void> {
  const standing = await consentOf(database, profileId);
  for (const purpose of CONSENT_PURPOSES) {
    if (standing[purpose] && purpose !== "answer")
      await appendConsent(database, profileId, { atMs, purpose, granted: false, origin: "forget" });
  }
}

/** Never asked and never decided, or something granted under older words than the present ones. */
export async function isConsentDue(database: SqlTransaction, profileId: string): Promise<boolean> {
  const row = await database.get<{ asked_wording: number | null }>("SELECT asked_wording FROM profiles WHERE id = ?", [
    profileId,
  ]);
  if (row === undefined || row.asked_wording === CONSENT_WORDING.version) return false;
  const decided = (await consentHistory(database, profileId)).filter(({ purpose }) => isAsked(purpose));
  if (row.asked_wording === null) return decided.length === 0;
  const standing = await consentOf(database, profileId);
  return ASKED.some((purpose) => standing[purpose]);
}

export async function noteConsentAsked(database: SqlTransaction, profileId: string): Promise<void> {
  await database.run("UPDATE profiles SET asked_wording = ? WHERE id = ?", [CONSENT_WORDING.version, profileId]);
}

function isAsked(purpose: ConsentPurpose): boolean {
  return ASKED.some((each) => each === purpose);
}
