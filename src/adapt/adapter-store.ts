import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Mutex } from "async-mutex";
import { fileWriteError, syncFolder, writeFileAtomic } from "../core/atomic-file.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, isAppError, isEnoent } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import type { Logger } from "../core/logger.ts";
import type { ProfileFiles } from "../profile/ports.ts";
import { type AdapterManifest, parseJson, parseManifest, versionOf } from "./adapter-manifest.ts";
import {
  type AdapterPointers,
  type AdapterState,
  activeVersion,
  NO_POINTERS,
  pointersSchema,
  rolledBack,
  slotOf,
  stateOf,
  withActive,
  withRevoked,
} from "./adapter-pointers.ts";
import { resealFiles } from "./reseal-files.ts";

export interface AdapterStoreOptions {
  /** E.g. `<stateDir>/adapters`; made when missing. */
  readonly folder: string;
  /** Opened adapters, on tmpfs: e.g. `<runtimeDir>/adapters`; made when missing. */
  readonly openedFolder: string;
  readonly files: ProfileFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A version as its owner sees it. */
export interface AdapterListing {
  readonly manifest: AdapterManifest;
  readonly state: AdapterState;
  readonly hasFile: boolean;
}

/** What revoking took out of use. */
export interface Revocation {
  readonly versions: readonly string[];
  /** True when the version in use changed. */
  readonly changedActive: boolean;
}

/**
 * Adapters of every profile: `<folder>/<profile>/<version>.{gguf,json}.sealed` and `pointers.json`.
 *
 * INVARIANTS: a sealed file is complete or absent (atomic writes); the manifest is written after the weights, so that a
 * version without one does not exist; the pointer changes last and in one rename. Changes of one store are one at a time.
 */
export class AdapterStore {
  readonly #options: AdapterStoreOptions;
  readonly #changes = new Mutex();

  constructor(options: AdapterStoreOptions) {
    this.#options = options;
  }

  /** Folder of all profiles. */
  get folder(): string {
    return this.#options.folder;
  }

  /** Folder of one profile. */
  folderOf(profileId: string): string {
    return join(this.#options.folder, profileId);
  }

  /** Profiles that have a folder here. */
  async profiles(): Promise<string[]> {
    const { folder } = this.#options;
    const isFolder = async (name: string) => (await stat(join(folder, name))).isDirectory();
    const names = await namesIn(folder);
    const areFolders = await Promise.all(names.map(isFolder));
    return names.filter((_, i) => areFolders[i]);
  }

  /** Oldest first. @param base sha256 of the model in use; null = unknown. */
  async list(profileId: string, base: string | null): Promise<AdapterListing[]> {
    const pointers = await this.pointers(profileId);
    const names = await namesIn(this.folderOf(profileId));
    const listings: AdapterListing[] = [];
    for (const name of names.filter((each) => each.endsWith(MANIFEST))) {
      const version = name.slice(0, -MANIFEST.length);
      const manifest = await this.manifest(profileId, version);
      const hasFile = names.includes(version + WEIGHTS);
      listings.push({ manifest, state: stateOf(manifest, pointers, base), hasFile });
    }
    return listings.sort((a, b) => a.manifest.createdAtMs - b.manifest.createdAtMs || compare(a, b));
  }

  /** @throws AppError E_ADAPTER_UNKNOWN, E_ADAPTER_INVALID, E_KEY_MISMATCH, E_PROFILE_UNKNOWN. */
  async manifest(profileId: string, version: string): Promise<AdapterManifest> {
    return parseManifest(await this.#opened(profileId, version + MANIFEST));
  }

  async pointers(profileId: string): Promise<AdapterPointers> {
    try {
      const bytes = await readFile(join(this.folderOf(profileId), POINTERS));
      return parseJson(bytes, pointersSchema, "the list of adapters in use");
    } catch (error) {
      if (isEnoent(error)) return NO_POINTERS;
      throw error;
    }
  }

  /** The manifest of the version in use with that base, in general or for a domain; null = none. */
  async active(profileId: string, base: string, domain: string | null = null): Promise<AdapterManifest | null> {
    const version = activeVersion(await this.pointers(profileId), slotOf(base, domain));
    return version === null ? null : await this.manifest(profileId, version);
  }

  /**
   * Seals an adapter and its manifest into the store; the plain file stays where it is. The same content again replaces
   * its manifest.
   *
   * @throws AppError E_ADAPTER_INVALID when the file is not what the manifest says; E_DISK_FULL, E_FILE_UNWRITABLE.
   */
  async stage(path: string, manifest: AdapterManifest): Promise<void> {
    await this.#changes.runExclusive(async () => {
      const { profileId, version } = manifest;
      const weights = await readFile(path);
      if ((await fileSha256(path)) !== manifest.sha256 || versionOf(manifest.sha256) !== version) {
        throw new AppError("E_ADAPTER_INVALID", "the adapter to be staged is not the one that was measured");
      }
      await makeFolder(this.folderOf(profileId));
      await this.#seal(profileId, version + WEIGHTS, weights);
      await this.#seal(profileId, version + MANIFEST, Buffer.from(JSON.stringify(manifest)));
    });
  }

  /** @throws AppError E_ADAPTER_UNKNOWN; E_ADAPTER_GONE when it was revoked, refused by the gate, or its file is gone. */
  async activate(profileId: string, version: string): Promise<void> {
    await this.#changes.runExclusive(async () => {
      const manifest = await this.manifest(profileId, version);
      const pointers = await this.pointers(profileId);
      const state = stateOf(manifest, pointers, null);
      if (state === "revoked" || !(await this.#usable(profileId)).has(version)) {
        throw new AppError("E_ADAPTER_GONE", `version ${version} cannot be used any more`);
      }
      if (state === "rejected") throw new AppError("E_ADAPTER_GONE", `version ${version} was refused by the gate`);
      if (state === "active") return;
      await this.#point(
        profileId,
        withActive(pointers, slotOf(manifest.base.sha256, manifest.domain), version, this.#options.clock.now()),
      );
    });
  }

  /** Back to the version before, or to none. Returns the version then in use. */
  async rollback(profileId: string, base: string): Promise<string | null> {
    return await this.#changes.runExclusive(async () => {
      const usable = await this.#usable(profileId);
      const next = rolledBack(await this.pointers(profileId), base, (version) => usable.has(version));
      await this.#point(profileId, next);
      return activeVersion(next, base);
    });
  }

  /** Takes every version trained on one of these interactions out of use, then removes their weights. */
  async revoke(profileId: string, isTainted: (interactionId: string) => boolean): Promise<Revocation> {
    return await this.#changes.runExclusive(async () => {
      const pointers = await this.pointers(profileId);
      const tainted = (await this.list(profileId, null))
        .filter(({ manifest, state }) => state !== "revoked" && manifest.trainedInteractionIds.some(isTainted))
        .map(({ manifest }) => manifest.version);
      const usable = await this.#usable(profileId);
      const next = withRevoked(pointers, tainted, (version) => usable.has(version));
      if (tainted.length > 0) await this.#point(profileId, next);
      await this.#removeWeights(profileId, next.revoked);
      const changedActive = Object.entries(pointers.active).some(([base, version]) => next.active[base] !== version);
      return { versions: tainted, changedActive };
    });
  }

  /** Removes the weights of all but the versions in use, the one before, and the newest `keep`. */
  async prune(profileId: string, keep: number): Promise<void> {
    await this.#changes.runExclusive(async () => {
      const pointers = await this.pointers(profileId);
      const inUse = new Set(Object.values(pointers.active));
      const old = (await this.list(profileId, null))
        .filter(({ manifest, state }) => state !== "previous" && !inUse.has(manifest.version))
        .slice(0, -keep || undefined)
        .map(({ manifest }) => manifest.version);
      await this.#removeWeights(profileId, old);
    });
  }

  /**
   * The decrypted file, `<openedFolder>/<sha256>.gguf`, mode 0600.
   * @throws AppError E_ADAPTER_UNKNOWN, E_ADAPTER_GONE, E_ADAPTER_INVALID, E_KEY_MISMATCH, E_DISK_FULL.
   */
  async open(profileId: string, version: string): Promise<string> {
    const { sha256 } = await this.manifest(profileId, version);
    const path = join(this.#options.openedFolder, `${sha256}.gguf`);
    await makeFolder(this.#options.openedFolder);
    if (await hasContent(path, sha256)) return path;
    await writeFileAtomic(path, await this.weights(profileId, version));
    if (!(await hasContent(path, sha256))) {
      await rm(path, { force: true });
      throw new AppError("E_ADAPTER_INVALID", `version ${version} is not the file it was`);
    }
    return path;
  }

  /** Removes every opened adapter but these paths. */
  async closeAllBut(paths: readonly string[]): Promise<void> {
    for (const name of await namesIn(this.#options.openedFolder)) {
      const path = join(this.#options.openedFolder, name);
      if (!paths.includes(path)) await rm(path, { force: true });
    }
  }

  /** Seals everything anew that an older key of the profile has sealed. Returns the number of files. */
  async reseal(profileId: string): Promise<number> {
    return await this.#changes.runExclusive(async () => {
      const folder = this.folderOf(profileId);
      const names = (await namesIn(folder)).filter((name) => name.endsWith(WEIGHTS) || name.endsWith(MANIFEST));
      return await resealFiles(this.#options.files, profileId, folder, names);
    });
  }

  /** Removes everything of a profile. Returns the number of versions there were. */
  async forget(profileId: string): Promise<number> {
    return await this.#changes.runExclusive(async () => {
      const names = await namesIn(this.folderOf(profileId));
      await rm(this.folderOf(profileId), { recursive: true, force: true });
      if (names.length > 0) await syncFolder(this.#options.folder);
      return names.filter((name) => name.endsWith(MANIFEST)).length;
    });
  }

  /** The decrypted file's bytes. @throws AppError E_ADAPTER_GONE, E_KEY_MISMATCH. */
  async weights(profileId: string, version: string): Promise<Uint8Array> {
    try {
      return await this.#opened(profileId, version + WEIGHTS);
    } catch (error) {
      if (!isAppError(error, "E_ADAPTER_UNKNOWN")) throw error;
      throw new AppError("E_ADAPTER_GONE", `the weights of version ${version} are gone`, { cause: error });
    }
  }

  async #usable(profileId: string): Promise<ReadonlySet<string>> {
    const names = await namesIn(this.folderOf(profileId));
    return new Set(names.filter((name) => name.endsWith(WEIGHTS)).map((name) => name.slice(0, -WEIGHTS.length)));
  }

  async #removeWeights(profileId: string, versions: readonly string[]): Promise<void> {
    for (const version of versions) await rm(join(this.folderOf(profileId), version + WEIGHTS), { force: true });
    if (versions.length > 0) await syncFolder(this.folderOf(profileId));
  }

  async #point(profileId: string, pointers: AdapterPointers): Promise<void> {
    await makeFolder(this.folderOf(profileId));
    await writeFileAtomic(join(this.folderOf(profileId), POINTERS), JSON.stringify(pointers));
    this.#options.logger.info({ profile: profileId, active: Object.values(pointers.active) }, "adapter in use changed");
  }

  async #seal(profileId: string, name: string, bytes: Uint8Array): Promise<void> {
    const sealed = await this.#options.files.seal(profileId, name, bytes);
    await writeFileAtomic(join(this.folderOf(profileId), name), sealed);
  }

  async #opened(profileId: string, name: string): Promise<Uint8Array> {
    let envelope: Uint8Array;
    try {
      envelope = await readFile(join(this.folderOf(profileId), name));
    } catch (error) {
      if (isEnoent(error)) throw new AppError("E_ADAPTER_UNKNOWN", "there is no such adapter version");
      throw new AppError("E_FILE_UNREADABLE", "an adapter of the store cannot be read", { cause: error });
    }
    return await this.#options.files.open(profileId, name, envelope);
  }
}

const WEIGHTS = ".gguf.sealed";
const MANIFEST = ".json.sealed";
const POINTERS = "pointers.json";

function compare(a: AdapterListing, b: AdapterListing): number {
  return a.manifest.version < b.manifest.version ? -1 : 1;
}

async function hasContent(path: string, sha256: string): Promise<boolean> {
  try {
    return (await fileSha256(path)) === sha256;
  } catch (error) {
    if (isAppError(error, "E_FILE_UNREADABLE")) return false;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (isEnoent(error)) return [];
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileWriteError(error, folder);
  }
}
