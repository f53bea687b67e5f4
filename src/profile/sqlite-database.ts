import { AsyncLocalStorage } from "node:async_hooks";
import { Mutex } from "async-mutex";
import sqlite3 from "sqlite3";
import { AppError } from "../core/errors.ts";
import { databaseError } from "./database-errors.ts";
import type { SqlDatabase, SqlTransaction, SqlValue, TransactionOptions } from "./ports.ts";

export interface SqliteOptions {
  /** How long to wait for another process's lock, ms; default 2000. */
  readonly busyTimeoutMs?: number;
}

/**
 * {@link SqlDatabase} on the sqlite3 package: WAL, foreign keys, secure_delete, and the file locked for this process
 * alone (a second opener gets E_DB_LOCKED; no `-shm` file exists).
 *
 * INVARIANTS: one connection, one mutex. Every statement holds the mutex, a transaction holds it from BEGIN to COMMIT;
 * two overlapping transactions on one connection would otherwise fail (node-sqlite3 issue 1761) or see each other's
 * uncommitted rows. `synchronous` is NORMAL except inside a durable transaction.
 */
export class SqliteDatabase implements SqlDatabase {
  readonly path: string;
  readonly #driver: sqlite3.Database;
  readonly #mutex = new Mutex();
  readonly #inTransaction = new AsyncLocalStorage<{ open: boolean }>();
  #isClosed = false;

  private constructor(path: string, driver: sqlite3.Database) {
    this.path = path;
    this.#driver = driver;
  }

  /**
   * Opens or creates the file.
   * @throws AppError E_DB_UNAVAILABLE, E_DB_CORRUPT (not a database), E_DB_LOCKED.
   */
  static async open(path: string, options: SqliteOptions = {}): Promise<SqliteDatabase> {
    const driver = await new Promise<sqlite3.Database>((resolve, reject) => {
      const opened = new sqlite3.Database(path, (error) => (error ? reject(databaseError(error)) : resolve(opened)));
    });
    const database = new SqliteDatabase(path, driver);
    try {
      driver.configure("busyTimeout", options.busyTimeoutMs ?? 2000);
      // Exclusive locking must be asked for before the first access in WAL mode, or SQLite maps a -shm file.
      for (const pragma of ["locking_mode=EXCLUSIVE", "journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"]) {
        await database.get(`PRAGMA ${pragma}`);
      }
      await database.run("PRAGMA synchronous=NORMAL");
      await database.transaction(async () => {}); // takes the write lock now rather than in the middle of a turn
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  }

  run(sql: string, params: readonly SqlValue[] = []): Promise<{ changes: number; lastId: number }> {
    return this.#alone(() => this.#run(sql, params));
  }

  get<Row extends object>(sql: string, params: readonly SqlValue[] = []): Promise<Row | undefined> {
    return this.#alone(() => this.#get<Row>(sql, params));
  }

  all<Row extends object>(sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#alone(() => this.#all<Row>(sql, params));
  }

  transaction<T>(work: (database: SqlTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#alone(async () => {
      if (options.durable) await this.#run("PRAGMA synchronous=FULL", []);
      const scope = { open: true };
      try {
        await this.#run("BEGIN IMMEDIATE", []);
        const result = await this.#inTransaction.run(scope, () => work(this.#handle(scope)));
        scope.open = false;
        await this.#run("COMMIT", []);
        return result;
      } catch (error) {
        scope.open = false;
        await this.#rollBack();
        throw error;
      } finally {
        // while it is enabled, Node 20 follows every promise of the process: 30 % more CPU in an idle service
        this.#inTransaction.disable();
        if (options.durable) await this.#run("PRAGMA synchronous=NORMAL", []);
      }
    });
  }

  /**
   * Statements that nothing else comes between, without a transaction around them: for what SQLite refuses inside one (VACUUM,
   * checkpoints), and for looking at what it did. Inside `work` only its handle may be used.
   */
  exclusively<T>(work: (database: SqlTransaction) => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      const scope = { open: true };
      try {
        return await this.#inTransaction.run(scope, () => work(this.#handle(scope)));
      } finally {
        scope.open = false;
        this.#inTransaction.disable(); // as after a transaction
      }
    });
  }

  /** Frees the pages that are kept in memory, 2 MiB at most; they are read again when they are needed. */
  async releaseCache(): Promise<void> {
    await this.get("PRAGMA shrink_memory");
  }

  /** Closes the file; what was committed is in it. May be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#mutex.runExclusive(
      () =>
        new Promise<void>((resolve, reject) =>
          this.#driver.close((error) => (error ? reject(databaseError(error)) : resolve())),
        ),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inTransaction.getStore()?.open) {
      // Waiting for the mutex here would wait for ourselves.
      return Promise.reject(new AppError("E_INTERNAL", "a transaction must use its own handle, and does not nest"));
    }
    return this.#mutex.runExclusive(work);
  }

  #handle(scope: { readonly open: boolean }): SqlTransaction {
    const checked = <T>(work: () => Promise<T>): Promise<T> =>
      scope.open ? work() : Promise.reject(new AppError("E_INTERNAL", "the transaction has ended"));
    return {
      run: (sql, params = []) => checked(() => this.#run(sql, params)),
      get: <Row extends object>(sql: string, params: readonly SqlValue[] = []) =>
        checked(() => this.#get<Row>(sql, params)),
      all: <Row extends object>(sql: string, params: readonly SqlValue[] = []) =>
        checked(() => this.#all<Row>(sql, params)),
    };
  }

  async #rollBack(): Promise<void> {
    try {
      await this.#run("ROLLBACK", []);
    } catch {
      // SQLite has already rolled back by itself (disk full, I/O error), or BEGIN failed: the first error is the one to report.
    }
  }

  #run(sql: string, params: readonly SqlValue[]): Promise<{ changes: number; lastId: number }> {
    return new Promise((resolve, reject) => {
      this.#driver.run(sql, params, function (error) {
        if (error) reject(databaseError(error));
        else resolve({ changes: this.changes, lastId: this.lastID });
      });
    });
  }

  #get<Row extends object>(sql: string, params: readonly SqlValue[]): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      this.#driver.get<Row | undefined>(sql, params, (error, row) =>
        error ? reject(databaseError(error)) : resolve(row),
      );
    });
  }

  #all<Row extends object>(sql: string, params: readonly SqlValue[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#driver.all<Row>(sql, params, (error, rows) => (error ? reject(databaseError(error)) : resolve(rows)));
    });
  }
}
