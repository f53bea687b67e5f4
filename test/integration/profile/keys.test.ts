import { chmod, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

test("without a credential a key file of 32 bytes, mode 0600, is made", async () => {
  await using folder = await makeTempDir("keys");
  await using opened = await openTestStore(folder);
  expect(opened.keySource).toBe("file");
  const { size, mode } = await stat(folder.join("asls-device.key"));
  expect([size, mode & 0o777]).toEqual([32, 0o600]);
});

test("a systemd credential is used, in hex, base64 or raw, and no file is made", async () => {
  const secret = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7));
  for (const content of [secret, `${secret.toString("hex")}\n`, `${secret.toString("base64")}\n`]) {
    await using folder = await makeTempDir("keys");
    await using credentials = await makeTempDir("credentials");
    await writeFile(credentials.join("asls-device-key"), content);
    await using opened = await openTestStore(folder, { credentialsDirectory: credentials.path });
    expect(opened.keySource).toBe("credential");
    await expect(stat(folder.join("asls-device.key"))).rejects.toThrow();
  }
});

test("a lost key is E_KEY_MISMATCH, no new one is made in its place, and the old one opens everything again", async () => {
  await using folder = await makeTempDir("keys");
  const keyPath = folder.join("asls-device.key");
  {
    await using opened = await openTestStore(folder);
    const { id } = await consentingProfile(opened);
    await opened.store.record(turn(id));
  }
  const key = await readFile(keyPath);
  await rm(keyPath);
  await expect(openTestStore(folder)).rejects.toMatchObject({ code: "E_KEY_MISMATCH" });
  await expect(stat(keyPath)).rejects.toThrow();

  await writeFile(keyPath, Buffer.alloc(32, 1), { mode: 0o600 });
  await expect(openTestStore(folder)).rejects.toMatchObject({ code: "E_KEY_MISMATCH" });

  await writeFile(keyPath, key);
  await using opened = await openTestStore(folder);
  const { id } = await opened.store.active();
  expect(await opened.archive.interactions(id)).toHaveLength(1);
});

test("a key file that others may read is E_KEY_PERMISSIONS, one of 31 bytes E_KEY_INVALID", async () => {
  await using folder = await makeTempDir("keys");
  const keyPath = folder.join("asls-device.key");
  await writeFile(keyPath, Buffer.alloc(32, 1), { mode: 0o600 });
  await chmod(keyPath, 0o640);
  await expect(openTestStore(folder)).rejects.toMatchObject({ code: "E_KEY_PERMISSIONS" });
  await chmod(keyPath, 0o600);
  await writeFile(keyPath, Buffer.alloc(31, 1));
  await expect(openTestStore(folder)).rejects.toMatchObject({ code: "E_KEY_INVALID" });
});

test("the file's key, moved into a credential as docs/privacy.md says, opens the same profile without the file", async () => {
  await using folder = await makeTempDir("keys");
  await using credentials = await makeTempDir("credentials");
  {
    await using opened = await openTestStore(folder);
    const { id } = await consentingProfile(opened);
    await opened.store.record(turn(id, { input: "still here" }));
  }
  await rename(folder.join("asls-device.key"), credentials.join("asls-device-key"));
  await using opened = await openTestStore(folder, { credentialsDirectory: credentials.path });
  const { id } = await opened.store.active();
  expect((await opened.archive.interactions(id)).map(({ input }) => input)).toEqual(["still here"]);
});
