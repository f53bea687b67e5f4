import { expect, test } from "vitest";
import { AdapterInUse } from "../../../src/adapt/adapter-in-use.ts";
import { AdapterStore } from "../../../src/adapt/adapter-store.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { manifestOf, writeWeights } from "../../support/adapter-manifests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openTestStore } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

test("while the language model takes an adapter over, the one before is the one in use", async () => {
  await using folder = await makeTempDir("adapters");
  await using opened = await openTestStore(folder);
  const { id: profileId } = await opened.store.active();
  for (const purpose of ["store", "train"] as const) await opened.store.setConsent(profileId, purpose, true, "button");
  const store = new AdapterStore({
    folder: folder.join("adapters"),
    openedFolder: folder.join("run"),
    files: opened.files,
    clock: new FakeClock(),
    logger: silentLogger,
  });
  const base = manifestOf(profileId, "").base.sha256;
  const seenMeanwhile: (string | null)[][] = [];
  const told: (string | null)[][] = [];
  const inUse: AdapterInUse = new AdapterInUse(
    {
      archive: opened.archive,
      store,
      log: silentLogger,
      base: () => ({ sha256: base, path: "base.gguf", name: "base", isTrainable: true }),
      hold: () => null,
      useAdapter: async () => {
        seenMeanwhile.push([inUse.version, inUse.general]);
      },
      alert: () => {},
    },
    ({ version }) => told.push([version, inUse.version, inUse.general]),
  );
  const [older = "", newer = ""] = await Promise.all(
    ["one", "another"].map(async (content, i) => {
      const manifest = manifestOf(profileId, content, { createdAtMs: i });
      await store.stage(await writeWeights(folder.join(content), content), manifest);
      return manifest.version;
    }),
  );
  for (const version of [older, newer]) {
    await store.activate(profileId, version);
    await inUse.apply();
  }
  await store.rollback(profileId, base);
  await inUse.apply();

  expect(seenMeanwhile).toEqual([
    [null, null],
    [older, older],
    [newer, newer],
  ]);
  expect(told).toEqual([
    [older, older, older],
    [newer, newer, newer],
    [older, older, older],
  ]);
});
