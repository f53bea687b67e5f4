import { SqliteDatabase } from "../../src/profile/sqlite-database.ts";

/** What undoes the newest migrations, newest first: a database as an earlier release left it, with real rows. */
const UNDO: ReadonlyMap<number, readonly string[]> = new Map([
  [
    2,
    [
      "ALTER TABLE consent_ledger DROP COLUMN wording_version",
      "ALTER TABLE profiles DROP COLUMN asked_wording",
      "ALTER TABLE profiles DROP COLUMN key_generation",
      "ALTER TABLE profiles DROP COLUMN previous_wrapped_key",
      "ALTER TABLE profiles DROP COLUMN retention_days",
      "ALTER TABLE profiles DROP COLUMN sealed_voice_print",
      "ALTER TABLE profiles DROP COLUMN voice_print_model",
    ],
  ],
]);

/** Brings the database of a stopped service back to the schema of the first release, if it is newer. */
export async function downgrade(path: string): Promise<void> {
  const database = await SqliteDatabase.open(path, {});
  try {
    const row = await database.get<{ user_version: number }>("PRAGMA user_version");
    for (let version = row?.user_version ?? 1; version > 1; version -= 1) {
      const statements = UNDO.get(version);
      if (statements === undefined)
        throw new Error(`nothing undoes migration ${version}: add it to test/fire/downgrade.ts`);
      await database.transaction(async (handle) => {
        for (const statement of statements) await handle.run(statement);
        await handle.run(`PRAGMA user_version = ${version - 1}`);
      });
    }
  } finally {
    await database.close();
  }
}
