import { randomBytes } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { KEY_BYTES, seal, unseal } from "./envelope.ts";
import type { DeviceKey } from "./key-store.ts";
import type { SqlTransaction } from "./ports.ts";

/** Seals and opens the values of one profile's rows. Lives until the profile is forgotten. */
export class ProfileCipher {
  readonly #key: Uint8Array;

  /** @param key 32 bytes; owned. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  sealText(table: string, column: string, rowId: string, text: string): Uint8Array {
    return this.sealBytes(table, column, rowId, Buffer.from(text, "utf8"));
  }

  sealBytes(table: string, column: string, rowId: string, bytes: Uint8Array): Uint8Array {
    return seal(this.#key, { table, column, rowId }, bytes);
  }

  /** @throws AppError E_KEY_MISMATCH for a value of another profile, row or column, or a changed one. */
  openText(table: string, column: string, rowId: string, envelope: Uint8Array): string {
    return this.openBytes(table, column, rowId, envelope).toString("utf8");
  }

  /** @throws AppError E_KEY_MISMATCH as above. */
  openBytes(table: string, column: string, rowId: string, envelope: Uint8Array): Buffer {
    return unseal(this.#key, { table, column, rowId }, envelope);
  }

  /** Overwrites the key in memory; every later call fails. */
  destroy(): void {
    this.#key.fill(0);
  }
}

/** The ciphers of the profiles in use; keys are unwrapped once and kept in memory. */
export class ProfileVault {
  readonly #device: DeviceKey;
  readonly #ciphers = new Map<string, ProfileCipher>();

  constructor(device: DeviceKey) {
    this.#device = device;
  }

  /** A fresh key in its wrapped form, to be stored with the new profile. */
  newWrappedKey(profileId: string): Uint8Array {
    const key = randomBytes(KEY_BYTES);
    const wrapped = this.#device.wrap(profileId, key);
    key.fill(0);
    return wrapped;
  }

  /** @throws AppError E_PROFILE_UNKNOWN, E_KEY_MISMATCH. */
  async cipher(database: SqlTransaction, profileId: string): Promise<ProfileCipher> {
    const known = this.#ciphers.get(profileId);
    if (known) return known;
    const row = await database.get<{ wrapped_key: Uint8Array }>("SELECT wrapped_key FROM profiles WHERE id = ?", [
      profileId,
    ]);
    if (!row) throw new AppError("E_PROFILE_UNKNOWN", "there is no such profile");
    const cipher = new ProfileCipher(this.#device.unwrap(profileId, row.wrapped_key));
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
