import { describe, expect, test } from "vitest";
import type { SqlDatabase } from "../../../src/profile/ports.ts";

/** What every {@link SqlDatabase} must do. @param open an empty database; the suite disposes of it. */
export function sqlDatabaseContract(name: string, open: () => Promise<SqlDatabase>): void {
  const withTable = async () => {
    const database = await open();
    await database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE, b BLOB)");
    return database;
  };

  describe(name, () => {
    test("run reports changes and the last id, get and all return rows, bytes come back as bytes", async () => {
      await using database = await withTable();
      const bytes = Uint8Array.of(0, 255, 7);
      expect(await database.run("INSERT INTO t (x, b) VALUES (?, ?)", ["one", bytes])).toEqual({
        changes: 1,
        lastId: 1,
      });
      await database.run("INSERT INTO t (x) VALUES (?)", ["it's; DROP TABLE t"]);
      const row = await database.get<{ x: string; b: Uint8Array }>("SELECT x, b FROM t WHERE id = ?", [1]);
      expect(row?.x).toBe("one");
      expect([...(row?.b ?? [])]).toEqual([0, 255, 7]);
      expect(await database.all("SELECT x FROM t ORDER BY id")).toEqual([{ x: "one" }, { x: "it's; DROP TABLE t" }]);
      expect(await database.get("SELECT x FROM t WHERE id = 99")).toBeUndefined();
    });

    test("a transaction that rejects leaves nothing and passes its error on", async () => {
      await using database = await withTable();
      const failure = new Error("mine");
      const failed = database.transaction(async (handle) => {
        await handle.run("INSERT INTO t (x) VALUES ('gone')");
        throw failure;
      });
      await expect(failed).rejects.toBe(failure);
      expect(await database.all("SELECT * FROM t")).toEqual([]);
    });

    test("20 transactions begun at once run one after the other and all commit", async () => {
      await using database = await withTable();
      await database.run("INSERT INTO t (id, x) VALUES (1, '0')");
      const increments = Array.from({ length: 20 }, () =>
        database.transaction(async (handle) => {
          const row = await handle.get<{ x: string }>("SELECT x FROM t WHERE id = 1");
          await handle.run("UPDATE t SET x = ? WHERE id = 1", [String(Number(row?.x) + 1)]);
        }),
      );
      await Promise.all(increments);
      expect(await database.get("SELECT x FROM t WHERE id = 1")).toEqual({ x: "20" });
    });

    test("a read begun during a transaction sees only what was committed", async () => {
      await using database = await withTable();
      let read: Promise<object[]> = Promise.resolve([]);
      let begin = () => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const failed = database.transaction(async (handle) => {
        await handle.run("INSERT INTO t (x) VALUES ('uncommitted')");
        begin();
        await handle.get("SELECT 1");
        throw new Error("roll back");
      });
      await begun;
      read = database.all("SELECT * FROM t");
      await expect(failed).rejects.toThrow("roll back");
      expect(await read).toEqual([]);
    });

    test("the database itself, a nested transaction and an outlived handle are refused inside, not deadlocked", async () => {
      await using database = await withTable();
      const internal = expect.objectContaining({ code: "E_INTERNAL" });
      let outlived: Promise<unknown> = Promise.resolve();
      let keep = () => outlived;
      await database.transaction(async (handle) => {
        await expect(database.run("DELETE FROM t")).rejects.toEqual(internal);
        await expect(database.transaction(async () => {})).rejects.toEqual(internal);
        keep = () => handle.run("DELETE FROM t");
      });
      outlived = keep();
      await expect(outlived).rejects.toEqual(internal);
      expect(await database.all("SELECT * FROM t")).toEqual([]);
    });

    test("a constraint violation is E_DB_FAILED and its message holds no parameter", async () => {
      await using database = await withTable();
      await database.run("INSERT INTO t (x) VALUES (?)", ["private words"]);
      const again = database.run("INSERT INTO t (x) VALUES (?)", ["private words"]);
      await expect(again).rejects.toMatchObject({ code: "E_DB_FAILED" });
      await expect(again).rejects.not.toThrow(/private words/);
    });

    test("a durable transaction commits, and the next plain one works as before", async () => {
      await using database = await withTable();
      await database.transaction((handle) => handle.run("INSERT INTO t (x) VALUES ('a')"), { durable: true });
      await database.transaction((handle) => handle.run("INSERT INTO t (x) VALUES ('b')"));
      expect(await database.all("SELECT x FROM t ORDER BY id")).toEqual([{ x: "a" }, { x: "b" }]);
    });
  });
}
