import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { AppError, isEnoent, systemErrorCode } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Migration } from "./migrations.ts";
import { SqliteDatabase, type SqliteOptions } from "./sqlite-database.ts";

export interface OpenDatabaseOptions extends SqliteOptions {
  readonly path: string;
  readonly migrations: readonly Migration[];
  readonly logger: Logger;
}

/** A migrated database, and how to close it so that the next start knows that it was closed well. */
export interface OpenedDatabase extends AsyncDisposable {
  readonly database: SqliteDatabase;
  /** True when the previous process died with the file open; the file then passed its integrity check. */
  readonly wasUnclean: boolean;
  close(): Promise<void>;
}

/**
 * Opens (mode 0600) and migrates a database. After an unclean stop the whole file is checked first; before a step of the
 * schema that changes existing data the file is copied to `<path>.v<old version>.bak`.
 *
 * @throws AppError E_DB_UNAVAILABLE, E_DB_LOCKED, E_DB_CORRUPT, E_DB_FROM_FUTURE (written by a newer release; nothing was
 * changed), E_DISK_FULL (the step is rolled back).
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const { path, migrations, logger } = options;
  await createPrivateFile(path);
  const database = await SqliteDatabase.open(path, options);
  const marker = `${path}.open`;
  try {
    // The lock is ours, so a marker that exists was left by a process that is gone.
    const wasUnclean = await exists(marker);
    if (wasUnclean) await checkIntegrity(database, logger);
    await createPrivateFile(marker);
    await migrate(database, migrations, logger);
    let isClosed = false;
    const close = async () => {
      if (isClosed) return; // the marker may be another process's by now
      isClosed = true;
      await rm(marker, { force: true }); // while the lock is still ours, for the same reason
      await database.close();
    };
    return { database, wasUnclean, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Full paths of the copies that migrations of this database left. */
export async function backupFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.v`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+\.bak$/.test(name.slice(prefix.length)))
    .map((name) => join(dirname(path), name));
}

async function migrate(database: SqliteDatabase, migrations: readonly Migration[], logger: Logger): Promise<void> {
  const row = await database.get<{ user_version: number }>("PRAGMA user_version");
  const initial = row?.user_version ?? 0;
  let version = initial;
  const newest = Math.max(0, ...migrations.map((step) => step.version));
  if (version > newest) {
    throw new AppError("E_DB_FROM_FUTURE", `the profile database has version ${version}, this asls knows ${newest}`, {
      details: { found: version, known: newest },
    });
  }
  for (const step of migrations.filter((candidate) => candidate.version > version)) {
    if (initial > 0) await backUp(database, version);
    await database.transaction(
      async (handle) => {
        for (const statement of step.statements) await handle.run(statement);
        await handle.run(`PRAGMA user_version = ${step.version}`);
      },
      { durable: true },
    );
    logger.info({ from: version, to: step.version }, "profile database migrated");
    version = step.version;
  }
}

/**
 * VACUUM INTO rather than a copy of the file: opening and closing the file a second time in this process would drop the
 * POSIX lock that SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).
 */
async function backUp(database: SqliteDatabase, version: number): Promise<void> {
  const target = `${database.path}.v${version}.bak`;
  const unfinished = `${target}.tmp`;
  await rm(unfinished, { force: true });
  await createPrivateFile(unfinished);
  await database.run("VACUUM INTO ?", [unfinished]);
  const file = await open(unfinished, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, target);
  await syncFolder(dirname(target));
}

async function checkIntegrity(database: SqliteDatabase, logger: Logger): Promise<void> {
  const rows = await database.all<{ integrity_check: string }>("PRAGMA integrity_check(1)");
  if (rows[0]?.integrity_check !== "ok") {
    throw new AppError("E_DB_CORRUPT", "the profile database failed its integrity check after an unclean stop");
  }
  logger.warn({}, "profile database was not closed; its integrity check passed");
}

/** Creates it, or leaves the one that is there unopened: closing a descriptor would drop this process's POSIX lock on it. */
async function createPrivateFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", 0o600)).close();
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return;
    if (systemErrorCode(error) === "ENOSPC") {
      throw new AppError("E_DISK_FULL", "no space left for the profile database", { cause: error });
    }
    throw new AppError("E_DB_UNAVAILABLE", `the profile database cannot be opened (${systemErrorCode(error)})`, {
      cause: error,
    });
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
