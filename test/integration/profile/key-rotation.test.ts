import { cpSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { writeNextKeyFile } from "../../../src/profile/key-store.ts";
import type { OpenProfileStore } from "../../../src/profile/open-profile-store.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const TURNS = 120;

async function filled(opened: OpenProfileStore): Promise<string> {
  const { id } = await consentingProfile(opened);
  for (let i = 0; i < TURNS; i++) {
    const stored = await opened.store.record(turn(id, { input: `input ${i}` }));
    if (stored.kind !== "stored") throw new Error("not stored");
    if (i % 10 > 0) continue;
    await opened.store.addSignal(stored.interactionId, { kind: "correction", atMs: NOON, correction: `right ${i}` });
    const fact = { kind: "preference", value: `thing ${i}`, statement: `The user likes thing ${i}.` } as const;
    await opened.store.learnFact(id, { ...fact, interactionId: stored.interactionId });
  }
  return id;
}

/** Everything a person has, without when it was asked for. */
async function contentOf(opened: OpenProfileStore, id: string): Promise<unknown> {
  const { exportedAtMs: _, ...rest } = await opened.archive.export(id);
  return rest;
}

/** Every sealed value in the database as it is on disk. */
async function envelopes(opened: OpenProfileStore): Promise<Uint8Array[]> {
  const rows = await opened.database.all<{ bytes: Uint8Array }>(
    `SELECT sealed_input AS bytes FROM interactions UNION ALL SELECT sealed_answer FROM interactions
     UNION ALL SELECT sealed_vector FROM interactions UNION ALL SELECT sealed_fact FROM facts
     UNION ALL SELECT sealed_correction FROM signals WHERE sealed_correction IS NOT NULL
     UNION ALL SELECT sealed_statistics FROM profiles UNION ALL SELECT wrapped_key FROM profiles`,
  );
  return rows.map(({ bytes }) => bytes);
}

async function isAnywhere(folder: TempDir, needles: readonly Uint8Array[]): Promise<boolean> {
  for (const name of await readdir(folder.path)) {
    const bytes = await readFile(folder.join(name));
    if (needles.some((needle) => bytes.includes(Buffer.from(needle)))) return true;
  }
  return false;
}

describe("a profile's key", () => {
  test("is replaced: everything reads as before, and no envelope of the old key is left in any file", async () => {
    await using folder = await makeTempDir("rotation");
    await using opened = await openTestStore(folder);
    const id = await filled(opened);
    const [before, old] = [await contentOf(opened, id), await envelopes(opened)];
    const result = await opened.keys.rotateProfile(id, []);
    expect(result).toEqual({ profileId: id, rows: 1 + TURNS + 12 + 12, files: 0 });
    expect(await contentOf(opened, id)).toEqual(before);
    expect(await isAnywhere(folder, old)).toBe(false);
    await opened.close();
    await using again = await openTestStore(folder);
    expect(await contentOf(again, id)).toEqual(before);
    expect(await again.keys.unfinished()).toEqual([]);
  });

  test("turns go on in between: what is recorded, corrected and asked for meanwhile is all there", async () => {
    await using folder = await makeTempDir("rotation");
    await using opened = await openTestStore(folder);
    const id = await filled(opened);
    let isOver = false;
    const rotation = opened.keys.rotateProfile(id, []).finally(() => {
      isOver = true;
    });
    let during = 0;
    while (!isOver) {
      const stored = await opened.store.record(turn(id, { input: `during ${during}` }));
      expect(stored.kind).toBe("stored");
      const request = { profileId: id, input: "input 7", nowMs: NOON, factTokens: 50, exchangeTokens: 50 };
      await opened.store.promptContext({ ...request, maxExchanges: 2, countTokens: (text) => text.length });
      during += 1;
    }
    await rotation;
    expect(during).toBeGreaterThan(0);
    expect(await opened.archive.interactions(id)).toHaveLength(TURNS + during);
    await opened.close();
    await using again = await openTestStore(folder);
    expect(await again.archive.interactions(id)).toHaveLength(TURNS + during);
  });

  test("interrupted after any batch, and started again from the files as they were: it goes on, nothing is lost", async () => {
    await using folder = await makeTempDir("rotation");
    await using copies = await makeTempDir("rotation-copies");
    await using opened = await openTestStore(folder);
    const id = await filled(opened);
    const before = await contentOf(opened, id);
    let taken = 0;
    const snapshot = () => {
      // Nothing is written while this runs: a batch is over, and the next has not begun.
      cpSync(folder.path, copies.join(String(taken)), { recursive: true });
      taken += 1;
    };
    const stop = new AbortController();
    const keeper = {
      reseal: async () => {
        stop.abort();
        return 0;
      },
    };
    const ending = opened.keys.rotateProfile(id, [keeper, keeper], snapshot, stop.signal);
    await expect(ending).rejects.toMatchObject({ code: "E_ABORTED" });
    await opened.close();
    expect(taken).toBeGreaterThan(3);
    for (const at of [folder.path, copies.join("1"), copies.join(String(taken - 2))]) {
      await using later = await openTestStore(folderAt(at));
      expect(await contentOf(later, id)).toEqual(before);
      expect(await later.keys.unfinished()).toEqual([id]);
      await later.keys.resume([], new AbortController().signal);
      expect(await later.keys.unfinished()).toEqual([]);
      expect(await contentOf(later, id)).toEqual(before);
    }
  });

  test("of a profile that is forgotten meanwhile is gone, both of them", async () => {
    await using folder = await makeTempDir("rotation");
    await using opened = await openTestStore(folder);
    const id = await filled(opened);
    const forgetting = { reseal: async () => (await opened.archive.forget(id)).files };
    await expect(opened.keys.rotateProfile(id, [forgetting])).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
    await opened.keys.resume([], new AbortController().signal);
    expect(await opened.archive.list()).toEqual([]);
  });
});

describe("the device key", () => {
  test("in a file is replaced; the old file's key opens nothing any more", async () => {
    await using folder = await makeTempDir("rotation");
    const opened = await openTestStore(folder);
    const id = await filled(opened);
    const before = await contentOf(opened, id);
    const old = await readFile(folder.join("asls-device.key"));
    expect(await opened.keys.rotateDevice()).toBe("file");
    const fresh = await readFile(folder.join("asls-device.key"));
    expect(fresh.equals(old)).toBe(false);
    expect((await stat(folder.join("asls-device.key"))).mode & 0o777).toBe(0o600);
    expect(await contentOf(opened, id)).toEqual(before);
    await opened.close();
    {
      await using again = await openTestStore(folder);
      expect(await contentOf(again, id)).toEqual(before);
    }
    await writeFile(folder.join("asls-device.key"), old);
    await expect(openTestStore(folder)).rejects.toMatchObject({ code: "E_KEY_MISMATCH" });
  });

  test("a power cut before or after the database changed hands leaves a key that opens it, and one file", async () => {
    await using folder = await makeTempDir("rotation");
    const locations = { keyDirectory: folder.path, credentialsDirectory: null };
    {
      await using opened = await openTestStore(folder);
      await filled(opened);
      await writeNextKeyFile(locations); // before: written, not used yet
    }
    {
      await using opened = await openTestStore(folder);
      expect(await opened.archive.list()).toHaveLength(1);
      expect(await readdir(folder.path)).not.toContain("asls-device.key.next");
    }
    const old = await readFile(folder.join("asls-device.key"));
    {
      await using opened = await openTestStore(folder);
      await opened.keys.rotateDevice();
    }
    // after: the database is wrapped with the new key, which has not got its place yet
    await writeFile(folder.join("asls-device.key.next"), await readFile(folder.join("asls-device.key")), {
      mode: 0o600,
    });
    await writeFile(folder.join("asls-device.key"), old);
    await using opened = await openTestStore(folder);
    expect((await opened.archive.list()).map(({ interactionCount }) => interactionCount)).toEqual([TURNS]);
    expect(await readdir(folder.path)).not.toContain("asls-device.key.next");
  });

  test("goes from the file to a credential that waits, and the file is removed; a credential alone is kept", async () => {
    await using folder = await makeTempDir("rotation");
    await using credentials = await makeTempDir("credentials");
    {
      await using opened = await openTestStore(folder);
      await filled(opened);
    }
    const credentialsDirectory = credentials.path;
    await writeFile(credentials.join("asls-device-key"), Buffer.alloc(32, 5));
    {
      await using opened = await openTestStore(folder, { credentialsDirectory });
      expect(opened.keySource).toBe("file"); // the one the database was made with
      expect(await opened.keys.rotateDevice()).toBe("credential");
      expect(await opened.keys.rotateDevice()).toBeNull();
    }
    expect(await readdir(folder.path)).not.toContain("asls-device.key");
    await writeFile(credentials.join("asls-device-key-next"), Buffer.alloc(32, 6));
    {
      await using opened = await openTestStore(folder, { credentialsDirectory });
      expect(await opened.keys.rotateDevice()).toBe("credential");
    }
    await writeFile(credentials.join("asls-device-key"), Buffer.alloc(32, 6));
    await using opened = await openTestStore(folder, { credentialsDirectory });
    expect(await opened.archive.list()).toHaveLength(1);
  });
});

function folderAt(path: string): TempDir {
  return {
    path,
    join: (...parts) => [path, ...parts].join("/"),
    dispose: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
