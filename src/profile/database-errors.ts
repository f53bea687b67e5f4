import { AppError, type ErrorCode, systemErrorCode } from "../core/errors.ts";

const BY_RESULT: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  SQLITE_CORRUPT: ["E_DB_CORRUPT", "the profile database is damaged"],
  SQLITE_NOTADB: ["E_DB_CORRUPT", "the profile database is not an SQLite file"],
  SQLITE_BUSY: ["E_DB_LOCKED", "the profile database is in use by another process"],
  SQLITE_LOCKED: ["E_DB_LOCKED", "the profile database is in use by another process"],
  SQLITE_FULL: ["E_DISK_FULL", "no space left for the profile database"],
  SQLITE_CANTOPEN: ["E_DB_UNAVAILABLE", "the profile database cannot be opened"],
  SQLITE_READONLY: ["E_DB_UNAVAILABLE", "the profile database is read-only"],
  SQLITE_PERM: ["E_DB_UNAVAILABLE", "the profile database may not be accessed"],
  SQLITE_IOERR: ["E_DB_IO", "the profile database could not be read or written"],
};

/**
 * What an error of the sqlite3 driver means to the owner: E_DB_CORRUPT, E_DB_LOCKED, E_DISK_FULL, E_DB_UNAVAILABLE,
 * E_DB_IO, otherwise E_DB_FAILED. The driver's text goes to `cause` only; parameters (user text) are never part of it.
 *
 * @see https://www.sqlite.org/rescode.html
 */
export function databaseError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const result = systemErrorCode(error) ?? "unknown";
  const [code, message] = BY_RESULT[result] ?? ["E_DB_FAILED", "the profile database refused a statement"];
  return new AppError(code, `${message} (${result})`, { cause: error, details: { sqlite: result } });
}
