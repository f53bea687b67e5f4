import { randomBytes } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { generationOf, KEY_BYTES, KEY_GENERATIONS, seal, unseal } from "./envelope.ts";
import type { DeviceKey } from "./key-store.ts";
import type { SqlTransaction } from "./ports.ts";

/**
 * Seals and opens the values of one profile's rows. Lives until the profile is forgotten; while its key is being replaced it
 * holds the old one as well.
 */
export class ProfileCipher {
  readonly #keys = new Map<number, Uint8Array>();
  #generation: number;

  /** @param key 32 bytes; owned. */
  constructor(key: Uint8Array, generation: number) {
    this.#generation = generation;
    this.#keys.set(generation, key);
  }

  /** Generation of the key that seals. */
  get generation(): number {
    return this.#generation;
  }

  sealText(table: string, column: string, rowId: string, text: string): Uint8Array {
    return this.sealBytes(table, column, rowId, Buffer.from(text, "utf8"));
  }

  sealBytes(table: string, column: string, rowId: string, bytes: Uint8Array): Uint8Array {
    const key = this.#keys.get(this.#generation);
    if (key === undefined) throw new AppError("E_PROFILE_UNKNOWN", "the profile's key is gone");
    return seal(key, { table, column, rowId }, bytes, this.#generation);
  }

  /** @throws AppError E_KEY_MISMATCH for a value of another profile, row or column, or a changed one. */
  openText(table: string, column: string, rowId: string, envelope: Uint8Array): string {
    return this.openBytes(table, column, rowId, envelope).toString("utf8");
  }

  /** @throws AppError E_KEY_MISMATCH as above. */
  openBytes(table: string, column: string, rowId: string, envelope: Uint8Array): Buffer {
    const key = this.#keys.get(generationOf(envelope));
    if (key === undefined) {
      throw new AppError("E_KEY_MISMATCH", `a sealed value of ${table}.${column} has a key that is gone`);
    }
    return unseal(key, { table, column, rowId }, envelope);
  }

  /** The same value under the key that seals now. */
  reseal(table: string, column: string, rowId: string, envelope: Uint8Array): Uint8Array {
    return this.sealBytes(table, column, rowId, this.openBytes(table, column, rowId, envelope));
  }

  /** From now on this key seals; what the one before sealed still opens. @param key owned. */
  replaceKey(key: Uint8Array, generation: number): void {
    this.#keys.set(generation, key);
    this.#generation = generation;
  }

  /** A key that only opens. @param key owned. */
  addOldKey(key: Uint8Array, generation: number): void {
    this.#keys.set(generation, key);
  }

  /** Overwrites every key but the one that seals. */
  dropOldKeys(): void {
    for (const [generation, key] of this.#keys) {
      if (generation === this.#generation) continue;
      key.fill(0);
      this.#keys.delete(generation);
    }
  }

  /** Overwrites the keys in memory; every later call fails. */
  destroy(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
  }
}

interface KeyRow {
  readonly wrapped_key: Uint8Array;
  readonly previous_wrapped_key: Uint8Array | null;
  readonly key_generation: number;
}

/** The ciphers of the profiles in use; keys are unwrapped once and kept in memory. */
export class ProfileVault {
  #device: DeviceKey;
  readonly #ciphers = new Map<string, ProfileCipher>();

  constructor(device: DeviceKey) {
    this.#device = device;
  }

  get device(): DeviceKey {
    return this.#device;
  }

  /** The device key was replaced, and every profile's key is wrapped with the new one. */
  replaceDevice(device: DeviceKey): void {
    this.#device = device;
  }

  /** A fresh key in its wrapped form, to be stored with the new profile. */
  newWrappedKey(profileId: string): Uint8Array {
    const { key, wrapped } = this.newKey(profileId);
    key.fill(0);
    return wrapped;
  }

  /** A fresh key, and its wrapped form. */
  newKey(profileId: string): { readonly key: Uint8Array; readonly wrapped: Uint8Array } {
    const key = new Uint8Array(randomBytes(KEY_BYTES));
    return { key, wrapped: this.#device.wrap(profileId, key) };
  }

  /** @throws AppError E_PROFILE_UNKNOWN, E_KEY_MISMATCH. */
  async cipher(database: SqlTransaction, profileId: string): Promise<ProfileCipher> {
    const known = this.#ciphers.get(profileId);
    if (known) return known;
    const row = await database.get<KeyRow>(
      "SELECT wrapped_key, previous_wrapped_key, key_generation FROM profiles WHERE id = ?",
      [profileId],
    );
    if (!row) throw new AppError("E_PROFILE_UNKNOWN", "there is no such profile");
    const cipher = new ProfileCipher(this.#device.unwrap(profileId, row.wrapped_key), row.key_generation);
    if (row.previous_wrapped_key !== null) {
      cipher.addOldKey(this.#device.unwrap(profileId, row.previous_wrapped_key), generationBefore(row.key_generation));
    }
    // Somebody else may have been faster between the query and here; a profile has one cipher.
    const other = this.#ciphers.get(profileId);
    if (other) {
      cipher.destroy();
      return other;
    }
    this.#ciphers.set(profileId, cipher);
    return cipher;
  }

  destroy(profileId: string): void {
    this.#ciphers.get(profileId)?.destroy();
    this.#ciphers.delete(profileId);
  }

  destroyAll(): void {
    for (const profileId of [...this.#ciphers.keys()]) this.destroy(profileId);
  }
}

function generationBefore(generation: number): number {
  return (generation + KEY_GENERATIONS - 1) % KEY_GENERATIONS;
}
