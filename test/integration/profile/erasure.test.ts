import { readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { deleteProfileRows } from "../../../src/profile/erasure.ts";
import { readSetting } from "../../../src/profile/profile-rows.ts";
import { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const SECRETS = ["zebra-input", "zebra-answer", "zebra-correction", "zebra-fact", "zebra-label"];

/** Names of the files in which any of the byte strings stands. */
async function filesWith(folder: TempDir, needles: readonly (string | Uint8Array)[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder.path)) {
    const bytes = await readFile(folder.join(name));
    if (needles.some((needle) => bytes.includes(Buffer.from(needle)))) found.push(name);
  }
  return found;
}

async function storeSecrets(opened: Awaited<ReturnType<typeof openTestStore>>): Promise<string> {
  const { id } = await opened.archive.create("zebra-label");
  await opened.archive.select(id);
  await opened.store.setConsent(id, "store", true, "spoken");
  for (let i = 0; i < 40; i++) {
    const stored = await opened.store.record(turn(id, { input: `zebra-input ${i}`, answer: `zebra-answer ${i}` }));
    if (stored.kind !== "stored") throw new Error("not stored");
    const correction = `zebra-correction ${i}`;
    await opened.store.addSignal(stored.interactionId, { kind: "correction", atMs: NOON, correction });
    const fact = { kind: "preference", value: `zebra-fact ${i}`, statement: `zebra-fact ${i}.` } as const;
    await opened.store.learnFact(id, { ...fact, interactionId: stored.interactionId });
  }
  return id;
}

test("no file holds any of the stored words in the clear, while open and after closing", async () => {
  await using folder = await makeTempDir("sealed");
  const opened = await openTestStore(folder);
  await storeSecrets(opened);
  expect(await filesWith(folder, SECRETS)).toEqual([]);
  await opened.close();
  expect(await filesWith(folder, SECRETS)).toEqual([]);
});

describe("forget", () => {
  test("leaves no byte of the key, the rows or the ciphertexts in any file; the receipt says 121 rows, verified", async () => {
    await using folder = await makeTempDir("forget");
    await using opened = await openTestStore(folder);
    const id = await storeSecrets(opened);
    const sealed = await opened.database.all<{ bytes: Uint8Array }>(
      "SELECT sealed_input AS bytes FROM interactions UNION ALL SELECT sealed_fact FROM facts UNION ALL SELECT wrapped_key FROM profiles WHERE id = ?",
      [id],
    );
    const needles = sealed.map(({ bytes }) => bytes);
    const database = folder.join("profile.db");
    expect(await filesWith(folder, needles)).not.toEqual([]);
    await writeFile(`${database}.v1.bak`, Buffer.concat(needles)); // as a migration would have left it

    const receipt = await opened.archive.forget(id);
    expect(receipt).toEqual({ profileId: id, atMs: NOON, rows: 121, files: 3, verified: true });
    expect(await filesWith(folder, needles)).toEqual([]);
    expect(await filesWith(folder, SECRETS)).toEqual([]);
    await expect(opened.archive.summary(id)).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
  });

  test("the ledger keeps that consent was given and withdrawn by forgetting; nothing can be stored any more", async () => {
    await using folder = await makeTempDir("forget");
    await using opened = await openTestStore(folder);
    const id = await storeSecrets(opened);
    await opened.archive.forget(id);
    const ledger = await opened.database.all(
      "SELECT purpose, granted, origin FROM consent_ledger WHERE profile_id = ?",
      [id],
    );
    expect(ledger).toEqual([
      { purpose: "store", granted: 1, origin: "spoken" },
      { purpose: "store", granted: 0, origin: "forget" },
    ]);
    expect(await opened.store.record(turn(id))).toEqual({ kind: "declined", reason: "no_consent" });
    expect((await opened.store.active()).id).not.toBe(id);
  });

  test("other profiles stay: their exchanges, facts and key", async () => {
    await using folder = await makeTempDir("forget");
    await using opened = await openTestStore(folder);
    const other = await consentingProfile(opened);
    await opened.store.record(turn(other.id, { input: "keep me" }));
    await opened.archive.forget(await storeSecrets(opened));
    expect((await opened.archive.interactions(other.id)).map(({ input }) => input)).toEqual(["keep me"]);
    expect((await opened.archive.list()).map(({ id }) => id)).toEqual([other.id]);
  });

  test("when the power goes after the rows were deleted, the next start cleans the files", async () => {
    await using folder = await makeTempDir("forget");
    const opened = await openTestStore(folder);
    const id = await storeSecrets(opened);
    const rows = await opened.database.all<{ bytes: Uint8Array }>("SELECT sealed_input AS bytes FROM interactions");
    await opened.close();
    const backup = folder.join("profile.db.v1.bak");
    await writeFile(backup, Buffer.concat(rows.map(({ bytes }) => bytes)));
    {
      await using database = await SqliteDatabase.open(folder.join("profile.db"));
      await database.transaction((handle) => deleteProfileRows(handle, id, NOON), { durable: true });
    }
    await using again = await openTestStore(folder, { logger: silentLogger });
    expect(await readSetting(again.database, "erasure_pending")).toBeUndefined();
    expect(
      await filesWith(
        folder,
        rows.map(({ bytes }) => bytes),
      ),
    ).toEqual([]);
    expect(await readdir(folder.path)).not.toContain("profile.db.v1.bak");
  });

  test("an unknown profile is E_PROFILE_UNKNOWN", async () => {
    await using folder = await makeTempDir("forget");
    await using opened = await openTestStore(folder);
    await expect(opened.archive.forget("p_0000000000000000")).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
  });
});

describe("deleting one interaction", () => {
  test("takes its signals and facts, leaves no byte of it, and the statistics are as if it had never been", async () => {
    await using folder = await makeTempDir("delete");
    await using opened = await openTestStore(folder);
    const { id } = await consentingProfile(opened);
    await opened.store.record(turn(id, { input: "stays here" }));
    const before = await opened.archive.summary(id);
    const stored = await opened.store.record(turn(id, { input: "I love zebras, madly so", domain: "smalltalk" }));
    if (stored.kind !== "stored") throw new Error("not stored");
    const { interactionId } = stored;
    await opened.store.addSignal(interactionId, { kind: "thumb_up", atMs: NOON, correction: null });
    const fact = { kind: "preference", value: "zebras", statement: "The user likes zebras." } as const;
    await opened.store.learnFact(id, { ...fact, interactionId });
    const sealed = await opened.database.all<{ bytes: Uint8Array }>(
      "SELECT sealed_input AS bytes FROM interactions WHERE id = ?1 UNION ALL SELECT sealed_fact FROM facts WHERE interaction_id = ?1",
      [interactionId],
    );

    expect(await opened.archive.deleteInteraction(interactionId)).toEqual({ interactions: 1, signals: 1, facts: 1 });
    expect(await opened.archive.summary(id)).toEqual(before);
    expect(
      await filesWith(
        folder,
        sealed.map(({ bytes }) => bytes),
      ),
    ).toEqual([]);
    expect(await opened.archive.deleteInteraction(interactionId)).toBeNull();
    const late = await opened.store.addSignal(interactionId, { kind: "thumb_up", atMs: NOON, correction: null });
    expect(late).toEqual({ kind: "declined", reason: "unknown_interaction" });
  });
});

test("facts forgotten by topic leave no byte of theirs, neither in the log nor in a backup", async () => {
  await using folder = await makeTempDir("forget");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  const fact = { kind: "preference", value: "zebras", statement: "The user likes zebras." } as const;
  await opened.store.learnFact(id, { ...fact, interactionId: null });
  const sealed = await opened.database.all<{ bytes: Uint8Array }>("SELECT sealed_fact AS bytes FROM facts");
  const needles = sealed.map(({ bytes }) => bytes);
  await writeFile(folder.join("profile.db.v1.bak"), Buffer.concat(needles));
  expect(await filesWith(folder, needles)).toContain("profile.db-wal");
  expect(await opened.store.forgetFacts(id, { kind: null, words: ["zebras"] })).toBe(1);
  expect(await filesWith(folder, needles)).toEqual([]);
});
