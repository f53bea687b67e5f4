import koffi from "koffi";
import { expect, test } from "vitest";
import { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const HEAP_FIGURES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split(" ");
const ROWS = 2_000;
const ROW_BYTES = 1_500;
const MIB = 2 ** 20;

/** Bytes that malloc has given to somebody, in all arenas: mallinfo2(3). */
function mallocUsed(): () => number {
  const figures = koffi.struct(Object.fromEntries(HEAP_FIGURES.map((name) => [name, "size_t"])));
  const mallinfo = koffi.load("libc.so.6").func("mallinfo2", figures, []);
  return () => {
    const { uordblks, hblkhd } = mallinfo() as { uordblks: number; hblkhd: number };
    return uordblks + hblkhd;
  };
}

test("the pages that reading kept in memory are freed when asked, and reading goes on", async () => {
  await using folder = await makeTempDir("sqlite");
  await using database = await SqliteDatabase.open(folder.join("test.db"));
  await database.run("CREATE TABLE t (x BLOB)");
  await database.run(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     INSERT INTO t SELECT randomblob(${ROW_BYTES}) FROM n`,
  );
  const readAll = () => database.get<{ bytes: number }>("SELECT sum(length(x)) AS bytes FROM t");
  const used = mallocUsed();
  await readAll();
  const full = used();
  await database.releaseCache();
  expect(full - used()).toBeGreaterThan(1.5 * MIB);
  expect(await readAll()).toEqual({ bytes: ROWS * ROW_BYTES });
});
