import { onTestFinished } from "vitest";
import { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { sqlDatabaseContract } from "./sql-database.contract.ts";

sqlDatabaseContract("SqliteDatabase on a file", async () => {
  const folder = await makeTempDir("sql");
  onTestFinished(() => folder.dispose());
  return await SqliteDatabase.open(folder.join("test.db"));
});

sqlDatabaseContract("SqliteDatabase in memory", () => SqliteDatabase.open(":memory:"));
