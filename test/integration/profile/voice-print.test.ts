import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { whoSpeaks } from "../../../src/runtime/service/voice-identity.ts";
import { openTestStore } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const OWNER = Float32Array.of(0.6, 0.8, 0);
const OTHER = Float32Array.of(0, 0, 1);

async function rig() {
  const folder = await makeTempDir("voice");
  const opened = await openTestStore(folder);
  const { id } = await opened.store.active();
  let isGuest = false;
  const tell = (print: Float32Array, model = "m") =>
    whoSpeaks({ store: opened.store, threshold: 0.5, isGuest: () => isGuest }, { model, print });
  return {
    ...{ folder, opened, id, tell },
    setGuest: (on: boolean) => {
      isGuest = on;
    },
    printOnDisk: async () =>
      (await opened.database.get<{ bytes: Uint8Array | null }>("SELECT sealed_voice_print AS bytes FROM profiles"))
        ?.bytes,
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      await folder.dispose();
    },
  };
}

test("without the speaker consent nothing is learned and nobody is told apart", async () => {
  await using each = await rig();
  for (let i = 0; i < 6; i++) expect(await each.tell(OWNER)).toBeNull();
  expect(await each.printOnDisk()).toBeNull();
});

test("after 4 utterances the owner is known and others are strangers; guests teach it nothing; another model begins anew", async () => {
  await using each = await rig();
  await each.opened.store.setConsent(each.id, "speaker", true, "spoken");
  each.setGuest(true);
  expect(await each.tell(OTHER)).toBeNull();
  expect(await each.printOnDisk()).toBeNull();
  each.setGuest(false);
  for (let i = 0; i < 4; i++) expect(await each.tell(OWNER)).toBeNull();
  expect([await each.tell(OWNER), await each.tell(OTHER)]).toEqual(["owner", "stranger"]);
  expect(await each.tell(OTHER, "another model")).toBeNull();
});

test("the print is sealed, and withdrawing the consent leaves no byte of it in any file; so does forget", async () => {
  for (const erase of ["withdraw", "forget"] as const) {
    await using each = await rig();
    const { store, archive } = each.opened;
    await store.setConsent(each.id, "speaker", true, "button");
    for (let i = 0; i < 4; i++) await each.tell(OWNER);
    const sealed = Buffer.from((await each.printOnDisk()) ?? []);
    expect(sealed.length).toBeGreaterThan(28);
    expect(sealed.includes(Buffer.from(OWNER.buffer))).toBe(false);
    if (erase === "withdraw") await store.setConsent(each.id, "speaker", false, "mqtt");
    else await archive.forget(each.id);
    for (const name of ["profile.db", "profile.db-wal"]) {
      expect((await readFile(each.folder.join(name))).includes(sealed)).toBe(false);
    }
    expect(await each.tell(OTHER)).toBeNull();
  }
});
