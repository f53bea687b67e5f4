import { copyFile, link, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileWriteError, syncFolder } from "../core/atomic-file.ts";
import { AppError, isAppError, isEnoent } from "../core/errors.ts";
import { backupFiles } from "./database-opening.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { SqlTransaction } from "./ports.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

export interface RestoreOptions {
  readonly path: string;
  /** Newest version of the schema that this program knows; default that of {@link MIGRATIONS}. */
  readonly known?: number;
  /** Version of the copy to go back to; null = the newest that this program knows, and only if the database is newer. */
  readonly version?: number | null;
}

export type RestoreOutcome =
  | { readonly kind: "not_needed"; readonly version: number | null }
  | {
      readonly kind: "restored";
      readonly from: number;
      readonly to: number;
      /** Where the database as it was is now; a later `version: from` brings it back. */
      readonly setAside: string;
      /** Interactions that are only in the database set aside; null = its tables are not known here. */
      readonly interactionsSetAside: number | null;
      /** Consents withdrawn since the copy was made, and withdrawn in it now. */
      readonly withdrawals: number;
    };

/** A consent as the ledger of any version has it. */
interface LedgerRow {
  readonly sequence: number;
  readonly profile_id: string;
  readonly at_ms: number;
  readonly purpose: string;
  readonly granted: number;
  readonly origin: string;
}

/**
 * Puts the copy of a database that a migration left back into its place, for a package that was rolled back. The newer
 * database is set aside as a copy of its own version, so that erasing finds it and a later upgrade can have it back.
 *
 * What a person withdrew since then stays withdrawn: their withdrawals are carried over, and where the newer ledger
 * cannot be read, every consent of the copy is withdrawn. What they deleted since cannot come back, since deleting
 * removes the copies.
 *
 * INVARIANT: at every instant there is a whole database at `path`.
 *
 * @throws AppError E_BACKUP_MISSING, E_DB_LOCKED (the service runs), E_DB_CORRUPT (the copy is damaged), E_DISK_FULL.
 */
export async function restoreBackup({
  path,
  known = newestKnown(),
  version = null,
}: RestoreOptions): Promise<RestoreOutcome> {
  if (!(await exists(path))) return { kind: "not_needed", version: null };
  await using current = await SqliteDatabase.open(path);
  const from = await versionOf(current);
  if (version === null && from <= known) return { kind: "not_needed", version: from };
  const wanted = (await backupVersions(path)).filter((each) => (version === null ? each <= known : each === version));
  const to = Math.max(...wanted);
  if (wanted.length === 0) {
    const which = version === null ? `of version ${known} or older` : `of version ${version}`;
    throw new AppError("E_BACKUP_MISSING", `there is no copy ${which} of the profile database (version ${from})`);
  }
  const restored = `${path}.restored`;
  const aside = `${path}.v${from}.bak`;
  try {
    await rm(restored, { force: true });
    await copyFile(`${path}.v${to}.bak`, restored);
    const { withdrawals, interactionsSetAside } = await reconcile(current, restored);
    await syncFile(restored);
    // The database as it is now goes into its one file, without a log that the restored one would take for its own.
    await current.get("PRAGMA wal_checkpoint(TRUNCATE)");
    await current.close();
    await rm(`${aside}.new`, { force: true });
    await link(path, `${aside}.new`);
    await rename(`${aside}.new`, aside);
    for (const suffix of ["-wal", "-shm"]) await rm(path + suffix, { force: true });
    await rename(restored, path);
    await syncFolder(dirname(path));
    return { kind: "restored", from, to, setAside: aside, interactionsSetAside, withdrawals };
  } catch (error) {
    for (const suffix of ["", "-wal", "-shm"]) await rm(restored + suffix, { force: true });
    if (isAppError(error)) throw error;
    throw fileWriteError(error, path);
  }
}

function newestKnown(): number {
  return Math.max(...MIGRATIONS.map((step) => step.version));
}

async function versionOf(database: SqliteDatabase): Promise<number> {
  return (await database.get<{ user_version: number }>("PRAGMA user_version"))?.user_version ?? 0;
}

async function backupVersions(path: string): Promise<number[]> {
  const start = `${basename(path)}.v`.length;
  return (await backupFiles(path)).map((file) => Number(basename(file).slice(start, -".bak".length)));
}

/** Brings the copy's consents up to what the person has withdrawn since. */
async function reconcile(current: SqliteDatabase, restored: string) {
  await using copy = await SqliteDatabase.open(restored);
  const check = await copy.all<{ integrity_check: string }>("PRAGMA integrity_check(1)");
  if (check[0]?.integrity_check !== "ok")
    throw new AppError("E_DB_CORRUPT", "the copy of the profile database is damaged");
  const withdrawals = await copy.transaction(
    async (handle) => {
      const newest = await handle.get<{ sequence: number | null }>(
        "SELECT MAX(sequence) AS sequence FROM consent_ledger",
      );
      const since = await withdrawnSince(current, newest?.sequence ?? 0);
      const rows = since ?? (await standingConsents(handle));
      for (const row of rows) await withdraw(handle, row);
      return rows.length;
    },
    { durable: true },
  );
  const [now, then] = [await countInteractions(current), await countInteractions(copy)];
  await copy.get("PRAGMA wal_checkpoint(TRUNCATE)");
  return { withdrawals, interactionsSetAside: now === null || then === null ? null : Math.max(0, now - then) };
}

/** Null = this ledger is not one we can read. */
async function withdrawnSince(current: SqliteDatabase, sequence: number): Promise<LedgerRow[] | null> {
  try {
    return await current.all<LedgerRow>(
      `SELECT sequence, profile_id, at_ms, purpose, granted, origin FROM consent_ledger
         WHERE sequence > ? AND granted = 0 ORDER BY sequence`,
      [sequence],
    );
  } catch {
    return null;
  }
}

async function standingConsents(copy: SqlTransaction): Promise<LedgerRow[]> {
  return await copy.all<LedgerRow>(
    `SELECT MAX(sequence) AS sequence, profile_id, at_ms, purpose, granted, 'cli' AS origin FROM consent_ledger
       GROUP BY profile_id, purpose HAVING granted = 1`,
  );
}

/** An older ledger may not know the purpose, which then needs no withdrawing there, or the origin. */
async function withdraw(copy: SqlTransaction, { profile_id, at_ms, purpose, origin }: LedgerRow): Promise<void> {
  for (const known of [origin, "cli"]) {
    const { changes } = await copy.run(
      "INSERT OR IGNORE INTO consent_ledger (profile_id, at_ms, purpose, granted, origin) VALUES (?, ?, ?, 0, ?)",
      [profile_id, at_ms, purpose, known],
    );
    if (changes > 0) return;
  }
}

async function countInteractions(database: SqliteDatabase): Promise<number | null> {
  try {
    return (await database.get<{ count: number }>("SELECT COUNT(*) AS count FROM interactions"))?.count ?? null;
  } catch {
    return null;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isEnoent(error)) return false;
    throw error;
  }
}
