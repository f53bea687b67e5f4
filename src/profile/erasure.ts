import { rm, stat } from "node:fs/promises";
import { isEnoent } from "../core/errors.ts";
import { withdrawAll } from "./consent-ledger.ts";
import { backupFiles } from "./database-opening.ts";
import type { ForgetReceipt, SqlTransaction } from "./ports.ts";
import { readSetting, writeSetting } from "./profile-rows.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

/**
 * Deletes a profile: key first, then every row, in one durable transaction that also notes that the files are still to
 * be cleaned. From its commit on nothing of the profile can be read, even if the power goes now.
 *
 * @returns number of rows deleted; 0 when there was no such profile.
 */
export async function deleteProfileRows(database: SqlTransaction, profileId: string, atMs: number): Promise<number> {
  const removed = await database.run(
    "UPDATE profiles SET wrapped_key = zeroblob(1), previous_wrapped_key = NULL WHERE id = ?",
    [profileId],
  );
  if (removed.changes === 0) return 0;
  await withdrawAll(database, profileId, atMs);
  let rows = 0;
  for (const sql of [
    "DELETE FROM signals WHERE interaction_id IN (SELECT id FROM interactions WHERE profile_id = ?)",
    "DELETE FROM facts WHERE profile_id = ?",
    "DELETE FROM interactions WHERE profile_id = ?",
    "DELETE FROM profiles WHERE id = ?",
  ]) {
    rows += (await database.run(sql, [profileId])).changes;
  }
  if ((await readSetting(database, "active_profile")) === profileId)
    await writeSetting(database, "active_profile", null);
  await writeSetting(database, "erasure_pending", profileId);
  return rows;
}

/**
 * Removes what deleted rows left in files: backups (which may hold them), free pages (VACUUM), and the write-ahead log.
 * Repeatable; run again at the next start when it was interrupted. Nothing else is written in between, so that the check of
 * what is left sees the files as they were cleaned.
 *
 * @returns number of files rewritten, emptied or removed, and whether no row of the profile, free page, log or copy is left.
 */
export async function cleanFiles(
  database: SqliteDatabase,
  profileId: string,
): Promise<{ readonly files: number; readonly verified: boolean }> {
  return await database.exclusively(async (handle) => {
    const backups = await removeBackups(database.path);
    await handle.run("VACUUM");
    await truncateLog(handle);
    await writeSetting(handle, "erasure_pending", null);
    await truncateLog(handle);
    return { files: backups + 2, verified: await isErased(handle, database.path, profileId) };
  });
}

/** After single rows were deleted: their bytes must survive neither in the write-ahead log nor in a copy. */
export async function removeTraces(database: SqliteDatabase): Promise<void> {
  await removeBackups(database.path);
  await truncateLog(database);
}

/** Removes the copies that migrations left; returns how many there were. */
async function removeBackups(databasePath: string): Promise<number> {
  const backups = await backupFiles(databasePath);
  for (const backup of backups) await rm(backup, { force: true });
  return backups.length;
}

/** Moves the write-ahead log into the database, on disk, and empties it: deleted bytes must not survive there. */
async function truncateLog(database: SqlTransaction): Promise<void> {
  await database.get("PRAGMA wal_checkpoint(TRUNCATE)");
}

/** True when no row of the profile but its consent ledger is left, and no file holds older content. */
async function isErased(database: SqlTransaction, path: string, profileId: string): Promise<boolean> {
  const left = await database.get<{ rows: number }>(
    `SELECT (SELECT COUNT(*) FROM profiles WHERE id = ?1) + (SELECT COUNT(*) FROM interactions WHERE profile_id = ?1)
       + (SELECT COUNT(*) FROM facts WHERE profile_id = ?1)
       + (SELECT COUNT(*) FROM signals WHERE interaction_id NOT IN (SELECT id FROM interactions)) AS rows`,
    [profileId],
  );
  const free = await database.get<{ freelist_count: number }>("PRAGMA freelist_count");
  return (
    left?.rows === 0 &&
    free?.freelist_count === 0 &&
    (await sizeBytes(`${path}-wal`)) === 0 &&
    (await backupFiles(path)).length === 0
  );
}

/** The whole erasure: rows, files, check. Null when there is no such profile. */
export async function eraseProfile(
  database: SqliteDatabase,
  profileId: string,
  atMs: number,
): Promise<ForgetReceipt | null> {
  const rows = await database.transaction((handle) => deleteProfileRows(handle, profileId, atMs), { durable: true });
  if (rows === 0) return null;
  return { profileId, atMs, rows, ...(await cleanFiles(database, profileId)) };
}

async function sizeBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isEnoent(error)) return 0;
    throw error;
  }
}
