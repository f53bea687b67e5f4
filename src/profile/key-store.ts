import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { AppError, isEnoent } from "../core/errors.ts";
import { KEY_BYTES, seal, unseal } from "./envelope.ts";

/** Name of the systemd credential, and of the file (with `.key`) where there is none. */
const DEVICE_KEY_NAME = "asls-device-key";

export interface KeyLocations {
  /** systemd's $CREDENTIALS_DIRECTORY; null = not started with one. */
  readonly credentialsDirectory: string | null;
  /** Folder of the fallback file `asls-device.key`; must exist, mode 0700. */
  readonly keyDirectory: string;
}

/**
 * The key of this device, which wraps the key of each profile.
 *
 * A credential lies outside the data partition and can be bound to a TPM; the file protects against a copied database,
 * not against a copied disk (docs/privacy.md#keys).
 */
export class DeviceKey {
  readonly source: "credential" | "file";
  readonly #wrapping: Uint8Array;

  /** @param secret 32 bytes; copied. */
  constructor(source: "credential" | "file", secret: Uint8Array) {
    this.source = source;
    this.#wrapping = new Uint8Array(hkdfSync("sha256", secret, "", "asls profile key wrapping v1", KEY_BYTES));
  }

  /** Tells keys apart without showing them: 16 hex digits, stored in the database. */
  get fingerprint(): string {
    return createHmac("sha256", this.#wrapping).update("fingerprint").digest("hex").slice(0, 16);
  }

  wrap(profileId: string, profileKey: Uint8Array): Uint8Array {
    return seal(this.#wrapping, { table: "profiles", column: "wrapped_key", rowId: profileId }, profileKey);
  }

  /** @throws AppError E_KEY_MISMATCH when it was wrapped by another device's key. */
  unwrap(profileId: string, wrapped: Uint8Array): Uint8Array {
    return unseal(this.#wrapping, { table: "profiles", column: "wrapped_key", rowId: profileId }, wrapped);
  }
}

/**
 * The device key: the credential when there is one, else the file, which is made when `mayCreate`.
 *
 * @param mayCreate false once a database was made with a key: a new one could not read it.
 * @throws AppError E_KEY_INVALID (not 32 bytes), E_KEY_PERMISSIONS (others may read the file), E_KEY_MISMATCH (no key, and
 * none may be made), E_FILE_UNWRITABLE, E_DISK_FULL.
 */
export async function loadDeviceKey(locations: KeyLocations, mayCreate: boolean): Promise<DeviceKey> {
  if (locations.credentialsDirectory !== null) {
    const credential = await readIfThere(join(locations.credentialsDirectory, DEVICE_KEY_NAME));
    if (credential) return new DeviceKey("credential", decodeKey(credential));
  }
  const path = join(locations.keyDirectory, "asls-device.key");
  const stored = await readIfThere(path);
  if (stored) {
    const mode = (await stat(path)).mode & 0o077;
    if (mode !== 0) throw new AppError("E_KEY_PERMISSIONS", `others may read the device key ${path}`);
    return new DeviceKey("file", decodeKey(stored));
  }
  if (!mayCreate) throw new AppError("E_KEY_MISMATCH", "the device key of this profile database is gone");
  const secret = randomBytes(KEY_BYTES);
  await writeFileAtomic(path, secret, 0o600);
  return new DeviceKey("file", secret);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isEnoent(error)) return undefined;
    throw new AppError("E_FILE_UNREADABLE", `cannot read the device key ${path}`, { cause: error });
  }
}

function decodeKey(content: Buffer): Buffer {
  if (content.length === KEY_BYTES) return content;
  const text = content.toString("latin1").trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/]{43}=?$/.test(text)) return Buffer.from(text, "base64");
  throw new AppError("E_KEY_INVALID", "the device key is not 32 bytes (raw, hex or base64)");
}
