import { setImmediate } from "node:timers/promises";
import { AppError, isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type DeviceKeyReplacement, nextDeviceKey } from "./device-key-replacement.ts";
import { KEY_GENERATIONS } from "./envelope.ts";
import type { KeyLocations } from "./key-store.ts";
import { writeSetting } from "./profile-rows.ts";
import type { ProfileVault } from "./profile-vault.ts";
import { FIRST_CURSOR, resealNext, type SealedCursor } from "./sealed-columns.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

/** Rows between which turns, buttons and audio get their chance. */
const BATCH_ROWS = 50;

/** Files beside the database that are sealed with a profile's key. */
export interface SealedFileKeeper {
  /** Seals everything of the profile anew that an older key has sealed; number of files. */
  reseal(profileId: string): Promise<number>;
}

export interface RotationProgress {
  readonly profileId: string;
  readonly rows: number;
  readonly files: number;
}

export interface KeyRotationParts {
  readonly database: SqliteDatabase;
  readonly vault: ProfileVault;
  readonly locations: KeyLocations;
  readonly logger: Logger;
  /** Removes what the old envelopes left in the write-ahead log and in backups. */
  removeTraces(): Promise<void>;
}

/**
 * Replaces keys while the database is in use.
 *
 * INVARIANTS: the old key of a profile stays in the database, wrapped, until nothing is sealed with it; every envelope says which
 * key it needs, so that a row is readable before, during and after; an interrupted replacement goes on at the next start.
 * The device key that opens the database is always one that is on disk: the new one is written before the profiles' keys are
 * wrapped with it, all in one transaction, and takes its place afterwards.
 */
export class KeyRotation {
  readonly #parts: KeyRotationParts;

  constructor(parts: KeyRotationParts) {
    this.#parts = parts;
  }

  /** Profiles whose replacement was begun and not finished. */
  async unfinished(): Promise<string[]> {
    const rows = await this.#parts.database.all<{ id: string }>(
      "SELECT id FROM profiles WHERE previous_wrapped_key IS NOT NULL",
    );
    return rows.map(({ id }) => id);
  }

  /**
   * A new key for a profile, and everything of it sealed with that: rows in batches, then files.
   * @throws AppError E_PROFILE_UNKNOWN; E_ABORTED when the signal fires (it goes on at the next call).
   */
  async rotateProfile(
    profileId: string,
    keepers: readonly SealedFileKeeper[],
    onProgress: (progress: RotationProgress) => void = () => {},
    signal?: AbortSignal,
  ): Promise<RotationProgress> {
    await this.#begin(profileId);
    const rows = await this.#resealRows(profileId, (count) => onProgress({ profileId, rows: count, files: 0 }), signal);
    let files = 0;
    for (const keeper of keepers) {
      if (signal?.aborted === true) throw stopped();
      files += await keeper.reseal(profileId);
      onProgress({ profileId, rows, files });
    }
    await this.#finish(profileId);
    this.#parts.logger.info({ profile: profileId, rows, files }, "profile key replaced");
    return { profileId, rows, files };
  }

  /** Goes on with what an earlier process began; a profile that was forgotten meanwhile is left out. */
  async resume(keepers: readonly SealedFileKeeper[], signal: AbortSignal): Promise<void> {
    for (const profileId of await this.unfinished()) {
      try {
        await this.rotateProfile(profileId, keepers, () => {}, signal);
      } catch (error) {
        if (isAppError(error, "E_ABORTED")) return;
        if (!isAppError(error, "E_PROFILE_UNKNOWN")) throw error;
      }
    }
  }

  /**
   * Wraps every profile's key with a new device key: a credential that waits for it, or a new file in the place of the old.
   * @returns where the key is now, or null when there is none to change to (a credential is changed by its owner).
   */
  async rotateDevice(): Promise<"credential" | "file" | null> {
    const { database, vault, locations, logger } = this.#parts;
    const replacement = await nextDeviceKey(locations, vault.device);
    if (replacement === null) return null;
    await database.transaction((handle) => this.#rewrap(handle, replacement), { durable: true });
    vault.replaceDevice(replacement.key);
    await replacement.settle();
    await this.#parts.removeTraces();
    logger.info({ source: replacement.key.source }, "device key replaced");
    return replacement.key.source;
  }

  async #rewrap(handle: Parameters<Parameters<SqliteDatabase["transaction"]>[0]>[0], { key }: DeviceKeyReplacement) {
    const { vault } = this.#parts;
    const rows = await handle.all<{ id: string; wrapped_key: Uint8Array; previous_wrapped_key: Uint8Array | null }>(
      "SELECT id, wrapped_key, previous_wrapped_key FROM profiles",
    );
    for (const { id, wrapped_key, previous_wrapped_key } of rows) {
      const anew = (wrapped: Uint8Array) => {
        const plain = vault.device.unwrap(id, wrapped);
        const rewrapped = key.wrap(id, plain);
        plain.fill(0);
        return rewrapped;
      };
      await handle.run("UPDATE profiles SET wrapped_key = ?, previous_wrapped_key = ? WHERE id = ?", [
        anew(wrapped_key),
        previous_wrapped_key && anew(previous_wrapped_key),
        id,
      ]);
    }
    await writeSetting(handle, "device_key", key.fingerprint);
  }

  async #begin(profileId: string): Promise<void> {
    const { database, vault } = this.#parts;
    const begun = await database.transaction(
      async (handle) => {
        const cipher = await vault.cipher(handle, profileId);
        const generation = (cipher.generation + 1) % KEY_GENERATIONS;
        const { key, wrapped } = vault.newKey(profileId);
        const { changes } = await handle.run(
          `UPDATE profiles SET previous_wrapped_key = wrapped_key, wrapped_key = ?, key_generation = ?
           WHERE id = ? AND previous_wrapped_key IS NULL`,
          [wrapped, generation, profileId],
        );
        return { cipher, key, generation, isNew: changes > 0 };
      },
      { durable: true },
    );
    // Only once it is on disk: nothing may be sealed with a key that a power cut could take away.
    if (begun.isNew) begun.cipher.replaceKey(begun.key, begun.generation);
    else begun.key.fill(0);
  }

  async #resealRows(profileId: string, onRows: (rows: number) => void, signal?: AbortSignal): Promise<number> {
    const { database, vault } = this.#parts;
    let rows = 0;
    for (let cursor: SealedCursor | null = FIRST_CURSOR; cursor !== null; ) {
      if (signal?.aborted === true) throw stopped();
      const at: SealedCursor = cursor;
      const { next, changed } = await database.transaction(async (handle) =>
        resealNext(handle, await vault.cipher(handle, profileId), profileId, at, BATCH_ROWS),
      );
      rows += changed;
      onRows(rows);
      cursor = next;
      await setImmediate();
    }
    return rows;
  }

  /** Looks at every row once more, under the writer's lock, before the old key goes. */
  async #finish(profileId: string): Promise<void> {
    const { database, vault } = this.#parts;
    const cipher = await database.transaction(
      async (handle) => {
        const sealing = await vault.cipher(handle, profileId);
        for (let cursor: SealedCursor | null = FIRST_CURSOR; cursor !== null; ) {
          const at: SealedCursor = cursor;
          cursor = (await resealNext(handle, sealing, profileId, at, BATCH_ROWS)).next;
        }
        await handle.run("UPDATE profiles SET previous_wrapped_key = NULL WHERE id = ?", [profileId]);
        return sealing;
      },
      { durable: true },
    );
    cipher.dropOldKeys();
    await this.#parts.removeTraces();
  }
}

function stopped(): AppError {
  return new AppError("E_ABORTED", "replacing keys was interrupted; it goes on at the next start");
}
