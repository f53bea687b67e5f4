import { randomId } from "../core/ids.ts";
import { consentOf } from "./consent-ledger.ts";
import type { Profile, ProfileListing, SqlTransaction } from "./ports.ts";
import type { ProfileVault } from "./profile-vault.ts";

interface ProfileRow {
  readonly id: string;
  readonly created_at_ms: number;
  readonly sealed_label: Uint8Array | null;
}

/** A new, empty profile with a key of its own. */
export async function insertProfile(
  database: SqlTransaction,
  vault: ProfileVault,
  label: string | null,
  atMs: number,
): Promise<Profile> {
  const id = randomId("p");
  await database.run("INSERT INTO profiles (id, created_at_ms, wrapped_key) VALUES (?, ?, ?)", [
    id,
    atMs,
    vault.newWrappedKey(id),
  ]);
  if (label !== null) {
    const cipher = await vault.cipher(database, id);
    const sealed = cipher.sealText("profiles", "sealed_label", id, label);
    await database.run("UPDATE profiles SET sealed_label = ? WHERE id = ?", [sealed, id]);
  }
  return { id, createdAtMs: atMs, consent: await consentOf(database, id) };
}

export async function readProfile(database: SqlTransaction, profileId: string): Promise<Profile | undefined> {
  const row = await database.get<ProfileRow>("SELECT id, created_at_ms FROM profiles WHERE id = ?", [profileId]);
  return row && { id: row.id, createdAtMs: row.created_at_ms, consent: await consentOf(database, row.id) };
}

/** All profiles, oldest first. */
export async function listProfiles(database: SqlTransaction, vault: ProfileVault): Promise<ProfileListing[]> {
  const activeId = await readSetting(database, "active_profile");
  const rows = await database.all<ProfileRow & { interactions: number; facts: number; retention_days: number | null }>(
    `SELECT p.id, p.created_at_ms, p.sealed_label, p.retention_days,
       (SELECT COUNT(*) FROM interactions i WHERE i.profile_id = p.id) AS interactions,
       (SELECT COUNT(*) FROM facts f WHERE f.profile_id = p.id) AS facts
     FROM profiles p ORDER BY p.created_at_ms, p.rowid`,
  );
  const listings: ProfileListing[] = [];
  for (const row of rows) {
    const cipher = await vault.cipher(database, row.id);
    listings.push({
      id: row.id,
      createdAtMs: row.created_at_ms,
      consent: await consentOf(database, row.id),
      label: row.sealed_label && cipher.openText("profiles", "sealed_label", row.id, row.sealed_label),
      isActive: row.id === activeId,
      interactionCount: row.interactions,
      factCount: row.facts,
      retentionDays: row.retention_days,
    });
  }
  return listings;
}

/** Names of rows in `settings`; none holds user text. */
export type SettingName = "active_profile" | "device_key" | "erasure_pending" | "guest_since_ms";

export async function readSetting(database: SqlTransaction, name: SettingName): Promise<string | undefined> {
  return (await database.get<{ value: string }>("SELECT value FROM settings WHERE name = ?", [name]))?.value;
}

/** Sets it, or removes it for null. */
export async function writeSetting(database: SqlTransaction, name: SettingName, value: string | null): Promise<void> {
  if (value === null) await database.run("DELETE FROM settings WHERE name = ?", [name]);
  else await database.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", [name, value]);
}
