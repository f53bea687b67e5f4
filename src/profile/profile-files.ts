import { generationOf } from "./envelope.ts";
import type { ProfileFiles, SqlDatabase } from "./ports.ts";
import type { ProfileVault } from "./profile-vault.ts";

/** {@link ProfileFiles} by the keys in the profile database; forgetting the profile makes its files unreadable. */
export class SealedProfileFiles implements ProfileFiles {
  readonly #database: SqlDatabase;
  readonly #vault: ProfileVault;

  constructor(database: SqlDatabase, vault: ProfileVault) {
    this.#database = database;
    this.#vault = vault;
  }

  async seal(profileId: string, name: string, bytes: Uint8Array): Promise<Uint8Array> {
    const cipher = await this.#database.transaction((handle) => this.#vault.cipher(handle, profileId));
    return cipher.sealBytes("files", "content", name, bytes);
  }

  async reseal(profileId: string, name: string, envelope: Uint8Array): Promise<Uint8Array | null> {
    const cipher = await this.#database.transaction((handle) => this.#vault.cipher(handle, profileId));
    return generationOf(envelope) === cipher.generation ? null : cipher.reseal("files", "content", name, envelope);
  }

  async open(profileId: string, name: string, envelope: Uint8Array): Promise<Uint8Array> {
    const cipher = await this.#database.transaction((handle) => this.#vault.cipher(handle, profileId));
    return cipher.openBytes("files", "content", name, envelope);
  }
}
