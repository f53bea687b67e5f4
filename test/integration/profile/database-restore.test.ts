import { open, readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { openDatabase } from "../../../src/profile/database-opening.ts";
import { restoreBackup } from "../../../src/profile/database-restore.ts";
import { MIGRATIONS, type Migration } from "../../../src/profile/migrations.ts";
import type { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const KNOWN = Math.max(...MIGRATIONS.map(({ version }) => version));
const NEWER: Migration = { version: KNOWN + 1, statements: ["ALTER TABLE profiles ADD COLUMN mood TEXT"] };
const NEWEST: Migration = { version: KNOWN + 2, statements: ["ALTER TABLE consent_ledger RENAME TO consents"] };

const pathIn = (folder: TempDir) => folder.join("profiles.db");

/** Opens as the release does that knows those steps beyond ours. */
const openAs = (folder: TempDir, ...beyond: readonly Migration[]) =>
  openDatabase({
    path: pathIn(folder),
    migrations: [...MIGRATIONS, ...beyond],
    logger: silentLogger,
    busyTimeoutMs: 20,
  });

const consent = (database: SqliteDatabase, purpose: string, granted: 0 | 1, table = "consent_ledger") =>
  database.run(`INSERT INTO ${table} (profile_id, at_ms, purpose, granted, origin) VALUES ('p', 1, ?, ?, 'cli')`, [
    purpose,
    granted,
  ]);

const profile = (database: SqliteDatabase, id: string) =>
  database.run("INSERT INTO profiles (id, created_at_ms, wrapped_key) VALUES (?, 1, x'00')", [id]);

async function consents(folder: TempDir): Promise<Record<string, number>> {
  await using opened = await openAs(folder);
  const rows = await opened.database.all<{ purpose: string; granted: number }>(
    "SELECT purpose, granted FROM consent_ledger ORDER BY sequence",
  );
  return Object.fromEntries(rows.map(({ purpose, granted }) => [purpose, granted]));
}

const ids = async (database: SqliteDatabase) =>
  (await database.all<{ id: string }>("SELECT id FROM profiles ORDER BY id")).map(({ id }) => id);

/** A database of this release with two consents, then used by a newer one. */
async function upgraded(folder: TempDir, ...beyond: readonly Migration[]): Promise<void> {
  const first = await openAs(folder);
  await profile(first.database, "before");
  await consent(first.database, "store", 1);
  await consent(first.database, "train", 1);
  await first.close();
  const second = await openAs(folder, ...beyond);
  await profile(second.database, "since");
  await second.close();
}

test("after going back, the database is the one before the upgrade and the newer one is kept", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder, NEWER);
  await expect(openAs(folder)).rejects.toMatchObject({ code: "E_DB_FROM_FUTURE" });
  expect(await restoreBackup({ path: pathIn(folder) })).toEqual({
    kind: "restored",
    from: NEWER.version,
    to: KNOWN,
    setAside: `${pathIn(folder)}.v${NEWER.version}.bak`,
    interactionsSetAside: 0,
    withdrawals: 0,
  });
  expect((await stat(pathIn(folder))).mode & 0o777).toBe(0o600);
  await using opened = await openAs(folder);
  expect(await ids(opened.database)).toEqual(["before"]);
});

test("the newer release gets its own database back", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder, NEWER);
  await restoreBackup({ path: pathIn(folder) });
  await (await openAs(folder, NEWER)).close();
  const outcome = await restoreBackup({ path: pathIn(folder), known: NEWER.version, version: NEWER.version });
  expect(outcome).toMatchObject({ kind: "restored", from: NEWER.version, to: NEWER.version });
  await using opened = await openAs(folder, NEWER);
  expect(await ids(opened.database)).toEqual(["before", "since"]);
});

test("a consent withdrawn after the upgrade stays withdrawn", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder, NEWER);
  const newer = await openAs(folder, NEWER);
  await consent(newer.database, "train", 0);
  await newer.close();
  expect(await restoreBackup({ path: pathIn(folder) })).toMatchObject({ withdrawals: 1 });
  expect(await consents(folder)).toEqual({ store: 1, train: 0 });
});

test("when the newer ledger cannot be read, every consent is withdrawn", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder, NEWER, NEWEST);
  expect(await restoreBackup({ path: pathIn(folder), known: KNOWN })).toMatchObject({ to: KNOWN, withdrawals: 2 });
  expect(await consents(folder)).toEqual({ store: 0, train: 0 });
});

test("a database that this release reads is left alone, byte for byte", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder);
  const before = await readFile(pathIn(folder));
  expect(await restoreBackup({ path: pathIn(folder) })).toEqual({ kind: "not_needed", version: KNOWN });
  expect(await readFile(pathIn(folder))).toEqual(before);
  expect(await restoreBackup({ path: folder.join("no.db") })).toEqual({ kind: "not_needed", version: null });
});

test("without a copy nothing changes and the next step is named", async () => {
  await using folder = await makeTempDir("restore");
  await (await openAs(folder, NEWER)).close();
  await expect(restoreBackup({ path: pathIn(folder) })).rejects.toMatchObject({ code: "E_BACKUP_MISSING" });
  await using opened = await openAs(folder, NEWER);
  expect(await ids(opened.database)).toEqual([]);
});

test("a damaged copy is refused and the newer database stays in place", async () => {
  await using folder = await makeTempDir("restore");
  await upgraded(folder, NEWER);
  await using file = await open(`${pathIn(folder)}.v${KNOWN}.bak`, "r+");
  await file.write(Buffer.alloc(8_192, 0x5a), 0, 8_192, 4_096);
  await expect(restoreBackup({ path: pathIn(folder) })).rejects.toMatchObject({
    code: expect.stringMatching(/^E_DB_(CORRUPT|FAILED)$/),
  });
  await using opened = await openAs(folder, NEWER);
  expect(await ids(opened.database)).toEqual(["before", "since"]);
});
