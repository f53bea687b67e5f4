import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readdir, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { backupFiles, openDatabase } from "../../../src/profile/database-opening.ts";
import type { Migration } from "../../../src/profile/migrations.ts";
import { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const FIRST: Migration = { version: 1, statements: ["CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES ('kept')"] };
const SECOND: Migration = { version: 2, statements: ["ALTER TABLE t ADD COLUMN y TEXT DEFAULT 'new'"] };
const THIRD: Migration = { version: 3, statements: ["UPDATE t SET y = 'third'"] };
const BROKEN: Migration = { version: 3, statements: ["UPDATE t SET y = 'half'", "THIS IS NOT SQL"] };

function openWith(folder: TempDir, migrations: readonly Migration[]) {
  return openDatabase({ path: folder.join("profile.db"), migrations, logger: silentLogger, busyTimeoutMs: 20 });
}

async function fill(path: string, offset: number, bytes: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(Buffer.alloc(bytes, 0x5a), 0, bytes, offset);
  } finally {
    await file.close();
  }
}

describe("migrations", () => {
  test("a new file goes from 0 to 3 without a backup, and is readable by its owner only", async () => {
    await using folder = await makeTempDir("migrate");
    await using opened = await openWith(folder, [FIRST, SECOND, THIRD]);
    expect(await opened.database.all("SELECT * FROM t")).toEqual([{ x: "kept", y: "third" }]);
    expect(await backupFiles(folder.join("profile.db"))).toEqual([]);
    expect((await stat(folder.join("profile.db"))).mode & 0o777).toBe(0o600);
  });

  test("from 1 to 3 there is a copy of the file before each step, with the rows as they were", async () => {
    await using folder = await makeTempDir("migrate");
    await (await openWith(folder, [FIRST])).close();
    await (await openWith(folder, [FIRST, SECOND, THIRD])).close();
    expect((await backupFiles(folder.join("profile.db"))).sort()).toEqual([
      folder.join("profile.db.v1.bak"),
      folder.join("profile.db.v2.bak"),
    ]);
    expect((await stat(folder.join("profile.db.v1.bak"))).mode & 0o777).toBe(0o600);
    await using first = await SqliteDatabase.open(folder.join("profile.db.v1.bak"));
    expect(await first.all("SELECT * FROM t")).toEqual([{ x: "kept" }]);
    await using second = await SqliteDatabase.open(folder.join("profile.db.v2.bak"));
    expect(await second.all("SELECT * FROM t")).toEqual([{ x: "kept", y: "new" }]);
  });

  test("a step that fails in the middle changes nothing, and the next release's step runs on the old state", async () => {
    await using folder = await makeTempDir("migrate");
    await (await openWith(folder, [FIRST, SECOND])).close();
    await expect(openWith(folder, [FIRST, SECOND, BROKEN])).rejects.toMatchObject({ code: "E_DB_FAILED" });
    await using opened = await openWith(folder, [FIRST, SECOND, THIRD]);
    expect(await opened.database.all("SELECT * FROM t")).toEqual([{ x: "kept", y: "third" }]);
  });

  test("a database of version 3 is refused by a release that knows 2, and stays as it was", async () => {
    await using folder = await makeTempDir("migrate");
    await (await openWith(folder, [FIRST, SECOND, THIRD])).close();
    await expect(openWith(folder, [FIRST, SECOND])).rejects.toMatchObject({
      code: "E_DB_FROM_FUTURE",
      details: { found: 3, known: 2 },
    });
    await using opened = await openWith(folder, [FIRST, SECOND, THIRD]);
    expect(await opened.database.get("SELECT y FROM t")).toEqual({ y: "third" });
  });
});

describe("a damaged, locked or unreachable file", () => {
  test("something else than a database is E_DB_CORRUPT and is not overwritten", async () => {
    await using folder = await makeTempDir("damaged");
    const text = "this is not a database, but long enough to look at ".repeat(40);
    await writeFile(folder.join("profile.db"), text);
    await expect(openWith(folder, [FIRST])).rejects.toMatchObject({ code: "E_DB_CORRUPT" });
    expect((await stat(folder.join("profile.db"))).size).toBe(text.length);
  });

  test("pages overwritten while the service was down unexpectedly are found at the next start: E_DB_CORRUPT", async () => {
    await using folder = await makeTempDir("damaged");
    const many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
    const opened = await openWith(folder, [FIRST, { version: 2, statements: ["CREATE INDEX tx ON t (x)"] }]);
    await opened.database.run(`${many} INSERT INTO t SELECT 'row ' || i FROM n`);
    await opened.close();
    await writeFile(folder.join("profile.db.open"), ""); // what a killed process leaves
    await fill(folder.join("profile.db"), 5 * 4096, 4096);
    const again = openWith(folder, [FIRST, { version: 2, statements: ["CREATE INDEX tx ON t (x)"] }]);
    await expect(again).rejects.toMatchObject({ code: "E_DB_CORRUPT" });
  });

  test("a second opener gets E_DB_LOCKED, also in another process, and can open it after the first closed", async () => {
    await using folder = await makeTempDir("locked");
    const first = await openWith(folder, [FIRST]);
    await expect(openWith(folder, [FIRST])).rejects.toMatchObject({ code: "E_DB_LOCKED" });
    const script = `import { SqliteDatabase } from "${packageRoot}dist/profile/sqlite-database.js";
      try { await SqliteDatabase.open(process.argv[1], { busyTimeoutMs: 20 }); console.log("opened"); }
      catch (error) { console.log(error.code); }`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script, folder.join("profile.db")]);
    const [said] = await once(createInterface(other.stdout), "line");
    expect(said).toBe("E_DB_LOCKED");
    await first.close();
    await (await openWith(folder, [FIRST])).close();
  });

  test("a folder that does not exist is E_DB_UNAVAILABLE", async () => {
    await using folder = await makeTempDir("missing");
    const path = folder.join("nowhere", "profile.db");
    const opening = openDatabase({ path, migrations: [FIRST], logger: silentLogger });
    await expect(opening).rejects.toMatchObject({ code: "E_DB_UNAVAILABLE" });
  });
});

describe("a full disk", () => {
  test("record rejects with E_DISK_FULL, what was stored stays readable, and it goes on once there is space", async () => {
    await using folder = await makeTempDir("full");
    await using opened = await openTestStore(folder);
    const { id } = await consentingProfile(opened);
    await opened.store.record(turn(id, { input: "the first" }));
    // SQLite's own limit: the same SQLITE_FULL that a full partition gives, without needing root for a mount.
    const pages = await opened.database.get<{ page_count: number }>("PRAGMA page_count");
    await opened.database.get(`PRAGMA max_page_count = ${pages?.page_count}`);
    const long = "long ".repeat(10_000);
    await expect(opened.store.record(turn(id, { input: long }))).rejects.toMatchObject({ code: "E_DISK_FULL" });
    expect((await opened.archive.interactions(id)).map(({ input }) => input)).toEqual(["the first"]);
    await opened.database.get("PRAGMA max_page_count = 1000000");
    expect((await opened.store.record(turn(id, { input: long }))).kind).toBe("stored");
    expect(await opened.archive.interactions(id)).toHaveLength(2);
  });
});

describe("a process killed by SIGKILL while it records", () => {
  test("every turn it reported is there, the next start says unclean and passes the integrity check", async () => {
    await using folder = await makeTempDir("killed");
    const script = `${packageRoot}test/fixtures/profile/records-until-killed.mjs`;
    const child = spawn(process.execPath, [script, `${packageRoot}dist`, folder.path]);
    let recorded = 0;
    for await (const line of createInterface(child.stdout)) {
      recorded = Number(/^recorded (\d+)$/.exec(line)?.[1] ?? recorded);
      if (recorded >= 25) child.kill("SIGKILL");
    }
    await using opened = await openTestStore(folder);
    expect(opened.wasUnclean).toBe(true);
    const { id } = await opened.store.active();
    const inputs = (await opened.archive.interactions(id)).map(({ input }) => input);
    expect(inputs.length).toBeGreaterThanOrEqual(recorded);
    expect(inputs).toEqual(inputs.map((_, i) => `turn ${i + 1}`));
  });

  test("closing again after another process opened the file leaves that one's marker alone", async () => {
    await using folder = await makeTempDir("clean");
    const first = await openWith(folder, [FIRST]);
    await first.close();
    await using second = await openWith(folder, [FIRST]);
    await first.close();
    expect(await readdir(folder.path)).toContain("profile.db.open");
    expect(second.wasUnclean).toBe(false);
  });

  test("a clean close leaves neither marker nor write-ahead log", async () => {
    await using folder = await makeTempDir("clean");
    await (await openTestStore(folder)).close();
    expect((await readdir(folder.path)).sort()).toEqual(["asls-device.key", "profile.db"]);
    await using again = await openTestStore(folder);
    expect(again.wasUnclean).toBe(false);
  });
});
