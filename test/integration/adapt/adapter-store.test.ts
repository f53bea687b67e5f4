import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { exportAdapters } from "../../../src/adapt/adapter-export.ts";
import type { AdapterManifest } from "../../../src/adapt/adapter-manifest.ts";
import { AdapterStore } from "../../../src/adapt/adapter-store.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { OpenProfileStore } from "../../../src/profile/open-profile-store.ts";
import { manifestOf, writeWeights } from "../../support/adapter-manifests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openTestStore } from "../../support/profile-store.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const BASE = "b".repeat(64);
const OTHER_BASE = "c".repeat(64);

function storeIn(folder: TempDir, opened: OpenProfileStore): AdapterStore {
  return new AdapterStore({
    folder: folder.join("adapters"),
    openedFolder: folder.join("run"),
    files: opened.files,
    clock: new FakeClock(),
    logger: silentLogger,
  });
}

interface Rig extends AsyncDisposable {
  readonly folder: TempDir;
  readonly opened: OpenProfileStore;
  readonly store: AdapterStore;
  readonly profileId: string;
  /** Stages a version with that content. */
  put(content: string, changes?: Partial<AdapterManifest>): Promise<string>;
}

let made = 0;

async function rig(): Promise<Rig> {
  const folder = await makeTempDir("adapters");
  const opened = await openTestStore(folder);
  const store = storeIn(folder, opened);
  const { id: profileId } = await opened.store.active();
  const dispose = async () => {
    await opened.close();
    await folder.dispose();
  };
  const put = async (content: string, changes: Partial<AdapterManifest> = {}) => {
    made += 1;
    const manifest = manifestOf(profileId, content, { createdAtMs: made, ...changes });
    await store.stage(await writeWeights(folder.join("weights"), content), manifest);
    return manifest.version;
  };
  return { folder, opened, store, profileId, put, [Symbol.asyncDispose]: dispose };
}

const statesOf = async (store: AdapterStore, profileId: string, base = BASE) =>
  (await store.list(profileId, base)).map(({ manifest, state }) => [manifest.version, state]);

test("staged, then active, then previous, then retired as others follow", async () => {
  await using at = await rig();
  const one = await at.put("one");
  expect(await statesOf(at.store, at.profileId)).toEqual([[one, "staged"]]);
  await at.store.activate(at.profileId, one);
  const two = await at.put("two");
  await at.store.activate(at.profileId, two);
  expect(await statesOf(at.store, at.profileId)).toEqual([
    [one, "previous"],
    [two, "active"],
  ]);
  const three = await at.put("three");
  await at.store.activate(at.profileId, three);
  expect((await statesOf(at.store, at.profileId)).map(([, state]) => state)).toEqual(["retired", "previous", "active"]);
});

test("nothing readable is on disk: neither weights nor manifest, and files are for the owner only", async () => {
  await using at = await rig();
  const version = await at.put("weights of somebody", { trainedInteractionIds: ["i_marked"] });
  const folder = at.store.folderOf(at.profileId);
  for (const name of await readdir(folder)) {
    const bytes = await readFile(`${folder}/${name}`);
    expect(bytes.includes("somebody")).toBe(false);
    expect(bytes.includes("i_marked")).toBe(false);
    expect((await stat(`${folder}/${name}`)).mode & 0o777).toBe(0o600);
  }
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const path = await at.store.open(at.profileId, version);
  expect(await readFile(path, "utf8")).toBe("weights of somebody");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await at.store.closeAllBut([]);
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("rollback goes back one version at a time, then to none", async () => {
  await using at = await rig();
  const one = await at.put("one");
  await at.store.activate(at.profileId, one);
  await at.store.activate(at.profileId, await at.put("two"));
  expect(await at.store.rollback(at.profileId, BASE)).toBe(one);
  expect(await at.store.rollback(at.profileId, BASE)).toBeNull();
  expect(await at.store.rollback(at.profileId, BASE)).toBeNull();
  expect(await at.store.active(at.profileId, BASE)).toBeNull();
});

describe("revoking", () => {
  const tainted = (id: string) => id === "i_bad";

  test("takes the newest clean version back into use and removes the weights of the tainted ones", async () => {
    await using at = await rig();
    const clean = await at.put("clean", { trainedInteractionIds: ["i_good"] });
    await at.store.activate(at.profileId, clean);
    const bad = await at.put("bad", { trainedInteractionIds: ["i_good", "i_bad"] });
    await at.store.activate(at.profileId, bad);
    const worse = await at.put("worse", { trainedInteractionIds: ["i_bad"], parent: bad });
    await at.store.activate(at.profileId, worse);
    expect(await at.store.revoke(at.profileId, tainted)).toEqual({ versions: [bad, worse], changedActive: true });
    expect(await at.store.active(at.profileId, BASE)).toMatchObject({ version: clean });
    const listings = await at.store.list(at.profileId, BASE);
    expect(listings.map(({ state, hasFile }) => [state, hasFile])).toEqual([
      ["active", true],
      ["revoked", false],
      ["revoked", false],
    ]);
    await expect(at.store.activate(at.profileId, bad)).rejects.toMatchObject({ code: "E_ADAPTER_GONE" });
    await expect(at.store.open(at.profileId, bad)).rejects.toMatchObject({ code: "E_ADAPTER_GONE" });
  });

  test("leaves none in use when no version is clean, and changes nothing when all are", async () => {
    await using at = await rig();
    const bad = await at.put("bad", { trainedInteractionIds: ["i_bad"] });
    await at.store.activate(at.profileId, bad);
    expect(await at.store.revoke(at.profileId, (id) => id === "i_other")).toEqual({
      versions: [],
      changedActive: false,
    });
    expect(await at.store.active(at.profileId, BASE)).not.toBeNull();
    await at.store.revoke(at.profileId, tainted);
    expect(await at.store.active(at.profileId, BASE)).toBeNull();
  });

  test("finishes at the next revocation what a power cut left: the pointer moved, the weights were still there", async () => {
    await using at = await rig();
    const bad = await at.put("bad", { trainedInteractionIds: ["i_bad"] });
    await at.store.activate(at.profileId, bad);
    const weights = `${at.store.folderOf(at.profileId)}/${bad}.gguf.sealed`;
    const bytes = await readFile(weights);
    await at.store.revoke(at.profileId, tainted);
    await writeFile(weights, bytes);
    await storeIn(at.folder, at.opened).revoke(at.profileId, () => false);
    await expect(stat(weights)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a power cut while staging", () => {
  test("before the manifest: the version does not exist and can be staged again", async () => {
    await using at = await rig();
    const version = await at.put("one");
    await rm(`${at.store.folderOf(at.profileId)}/${version}.json.sealed`);
    expect(await at.store.list(at.profileId, BASE)).toEqual([]);
    await expect(at.store.activate(at.profileId, version)).rejects.toMatchObject({ code: "E_ADAPTER_UNKNOWN" });
    await at.put("one");
    expect(await statesOf(at.store, at.profileId)).toEqual([[version, "staged"]]);
  });

  test("temporary files that a cut left are no versions", async () => {
    await using at = await rig();
    await at.put("one");
    await writeFile(`${at.store.folderOf(at.profileId)}/a_0000000000000000.json.sealed.tmp_1`, "half");
    expect(await at.store.list(at.profileId, BASE)).toHaveLength(1);
  });
});

test("a folder that cannot be written refuses with a code and leaves the version in use as it was", async () => {
  await using at = await rig();
  const one = await at.put("one");
  await at.store.activate(at.profileId, one);
  // A file where the profile's folder of another store would be: root may write everywhere else.
  const blocked = new AdapterStore({
    folder: at.folder.join("weights"),
    openedFolder: at.folder.join("run"),
    files: at.opened.files,
    clock: new FakeClock(),
    logger: silentLogger,
  });
  const manifest = manifestOf(at.profileId, "two");
  const path = await writeWeights(at.folder.join("two"), "two");
  await expect(blocked.stage(path, manifest)).rejects.toMatchObject({ code: "E_FILE_UNWRITABLE" });
  expect(await at.store.active(at.profileId, BASE)).toMatchObject({ version: one });
});

test("what the gate refused is kept with its numbers and cannot be used", async () => {
  await using at = await rig();
  const { gate } = manifestOf(at.profileId, "x");
  const version = await at.put("refused", { gate: { ...gate, promoted: false, reasons: ["no_clear_gain"] } });
  expect(await statesOf(at.store, at.profileId)).toEqual([[version, "rejected"]]);
  await expect(at.store.activate(at.profileId, version)).rejects.toMatchObject({ code: "E_ADAPTER_GONE" });
});

test("another base sets the adapter aside, its return brings it back", async () => {
  await using at = await rig();
  const version = await at.put("one");
  await at.store.activate(at.profileId, version);
  expect(await at.store.active(at.profileId, OTHER_BASE)).toBeNull();
  expect(await statesOf(at.store, at.profileId, OTHER_BASE)).toEqual([[version, "set_aside"]]);
  expect(await statesOf(at.store, at.profileId)).toEqual([[version, "active"]]);
});

test("a file exchanged for another one, or moved to another profile, is refused", async () => {
  await using at = await rig();
  const [one, two] = [await at.put("one"), await at.put("two")];
  const folder = at.store.folderOf(at.profileId);
  await writeFile(`${folder}/${one}.gguf.sealed`, await readFile(`${folder}/${two}.gguf.sealed`));
  await expect(at.store.open(at.profileId, one)).rejects.toMatchObject({ code: "E_KEY_MISMATCH" });
});

test("weights that differ from the manifest are not staged", async () => {
  await using at = await rig();
  const path = await writeWeights(at.folder.join("w"), "changed");
  await expect(at.store.stage(path, manifestOf(at.profileId, "measured"))).rejects.toMatchObject({
    code: "E_ADAPTER_INVALID",
  });
});

test("pruning keeps the version in use, the one before and the newest 1, and every manifest", async () => {
  await using at = await rig();
  for (const name of ["one", "two", "three", "four"]) {
    const version = await at.put(name);
    if (name !== "four") await at.store.activate(at.profileId, version);
  }
  await at.put("five");
  await at.store.prune(at.profileId, 1);
  const listings = await at.store.list(at.profileId, BASE);
  expect(listings.map(({ state, hasFile }) => [state, hasFile])).toEqual([
    ["retired", false],
    ["previous", true],
    ["active", true],
    ["staged", false],
    ["staged", true],
  ]);
});

test("forgetting a profile removes its adapters, and what a copy holds can never be opened again", async () => {
  await using at = await rig();
  const version = await at.put("one");
  const sealed = await readFile(`${at.store.folderOf(at.profileId)}/${version}.gguf.sealed`);
  await at.opened.archive.forget(at.profileId);
  expect(await at.store.forget(at.profileId)).toBe(1);
  expect(await at.store.profiles()).toEqual([]);
  await expect(at.opened.files.open(at.profileId, `${version}.gguf.sealed`, sealed)).rejects.toMatchObject({
    code: "E_PROFILE_UNKNOWN",
  });
});

test("when the profile's key is replaced, its files are sealed anew and open as before; a second time nothing changes", async () => {
  await using at = await rig();
  const version = await at.put("weights one");
  const path = `${at.store.folderOf(at.profileId)}/${version}.gguf.sealed`;
  const before = await readFile(path);
  expect(await at.opened.keys.rotateProfile(at.profileId, [at.store])).toMatchObject({ files: 2 });
  expect((await readFile(path)).equals(before)).toBe(false);
  expect(Buffer.from(await at.store.weights(at.profileId, version)).toString()).toBe("weights one");
  expect(await at.store.reseal(at.profileId)).toBe(0);
});

test("taken along: each version with its state, its description and, when asked for, exactly its file", async () => {
  await using at = await rig();
  const one = await at.put("weights one");
  await at.put("weights two");
  await at.store.activate(at.profileId, one);
  const exported = await exportAdapters(at.store, at.profileId, true);
  expect(exported.map(({ state }) => state)).toEqual(["active", "staged"]);
  for (const [i, { manifest, gguf }] of exported.entries()) {
    const bytes = Buffer.from(gguf ?? "", "base64");
    expect(bytes.toString()).toBe(`weights ${["one", "two"][i]}`);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(manifest.sha256);
  }
  expect((await exportAdapters(at.store, at.profileId, false)).map(({ gguf }) => gguf)).toEqual([null, null]);
});
