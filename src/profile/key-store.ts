import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../core/atomic-file.ts";
import { AppError, isEnoent } from "../core/errors.ts";
import { KEY_BYTES, seal, unseal } from "./envelope.ts";

/** Name of the systemd credential. */
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

/** Where a device key can be, the preferred place first; `next` ones wait to replace the one in use. */
const CREDENTIAL_NAMES = [DEVICE_KEY_NAME, `${DEVICE_KEY_NAME}-next`] as const;
const FILE_NAMES = ["asls-device.key", "asls-device.key.next"] as const;

/**
 * The device key of a database: of all that are there the one it was made with.
 *
 * @param expected fingerprint in the database; null = none yet: the preferred key is taken, or a file made.
 * @throws AppError E_KEY_INVALID (not 32 bytes), E_KEY_PERMISSIONS (others may read the file), E_KEY_MISMATCH (no key, or only
 * other ones: none may be made), E_FILE_UNWRITABLE, E_DISK_FULL.
 */
export async function loadDeviceKey(locations: KeyLocations, expected: string | null): Promise<DeviceKey> {
  const keys = await deviceKeys(locations);
  const fitting = expected === null ? keys[0] : keys.find(({ fingerprint }) => fingerprint === expected);
  if (fitting !== undefined) {
    if (fitting.source === "file") await settleKeyFile(locations, fitting);
    return fitting;
  }
  if (expected !== null) {
    const reason = keys.length === 0 ? "the device key of this profile database is gone" : MADE_WITH_ANOTHER;
    throw new AppError("E_KEY_MISMATCH", reason);
  }
  return await writeKeyFile(locations, FILE_NAMES[0]);
}

const MADE_WITH_ANOTHER = "the profile database was made with another device key";

/** Every device key that is there, the preferred first. */
export async function deviceKeys({ credentialsDirectory, keyDirectory }: KeyLocations): Promise<DeviceKey[]> {
  const keys: DeviceKey[] = [];
  for (const name of credentialsDirectory === null ? [] : CREDENTIAL_NAMES) {
    const credential = await readIfThere(join(credentialsDirectory ?? "", name));
    if (credential) keys.push(new DeviceKey("credential", decodeKey(credential)));
  }
  for (const name of FILE_NAMES) {
    const path = join(keyDirectory, name);
    const stored = await readIfThere(path);
    if (!stored) continue;
    const mode = (await stat(path)).mode & 0o077;
    if (mode !== 0) throw new AppError("E_KEY_PERMISSIONS", `others may read the device key ${path}`);
    keys.push(new DeviceKey("file", decodeKey(stored)));
  }
  return keys;
}

/** A new key in the file that waits to replace the one in use. */
export function writeNextKeyFile(locations: KeyLocations): Promise<DeviceKey> {
  return writeKeyFile(locations, FILE_NAMES[1]);
}

/** Once a database was made with this key, or wrapped with it: its file gets its place, and others that waited go. */
export async function settleKeyFile({ keyDirectory }: KeyLocations, key: DeviceKey): Promise<void> {
  const [path, nextPath] = [join(keyDirectory, FILE_NAMES[0]), join(keyDirectory, FILE_NAMES[1])];
  const next = await readIfThere(nextPath);
  if (next === undefined) return;
  if (new DeviceKey("file", decodeKey(next)).fingerprint === key.fingerprint) await rename(nextPath, path);
  else await rm(nextPath, { force: true });
  await syncFolder(keyDirectory);
}

/** Removes the key files after the database went over to a credential; their bytes are overwritten first. */
export async function removeKeyFiles({ keyDirectory }: KeyLocations): Promise<void> {
  for (const name of FILE_NAMES) {
    const path = join(keyDirectory, name);
    if ((await readIfThere(path)) === undefined) continue;
    const file = await open(path, "r+");
    try {
      await file.write(randomBytes(KEY_BYTES), 0, KEY_BYTES, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await rm(path);
  }
  await syncFolder(keyDirectory);
}

async function writeKeyFile({ keyDirectory }: KeyLocations, name: string): Promise<DeviceKey> {
  const secret = randomBytes(KEY_BYTES);
  await writeFileAtomic(join(keyDirectory, name), secret, 0o600);
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
