import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AppError } from "../core/errors.ts";

/** Bytes of every key: AES-256. */
export const KEY_BYTES = 32;

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where a sealed value belongs; an envelope moved to another row, column or table does not open. */
export interface SealPlace {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

/**
 * AES-256-GCM envelope: version byte 1, 12-byte random nonce, ciphertext, 16-byte tag; the place is authenticated as
 * associated data (NIST SP 800-38D; a random nonce is safe for 2^32 values under one key, section 8.3).
 *
 * @param key 32 bytes, borrowed.
 */
export function seal(key: Uint8Array, place: SealPlace, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(associatedData(place));
  return Buffer.concat([Uint8Array.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The plain bytes of an envelope.
 * @throws AppError E_KEY_MISMATCH: another key, another place, or changed bytes. E_DB_FROM_FUTURE: an unknown version.
 */
export function unseal(key: Uint8Array, place: SealPlace, envelope: Uint8Array): Buffer {
  if (envelope[0] !== VERSION) {
    throw new AppError("E_DB_FROM_FUTURE", `a sealed value has version ${envelope[0] ?? "none"}, not ${VERSION}`);
  }
  const end = envelope.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, envelope.subarray(1, 1 + NONCE_BYTES));
    decipher.setAAD(associatedData(place));
    decipher.setAuthTag(envelope.subarray(end));
    return Buffer.concat([decipher.update(envelope.subarray(1 + NONCE_BYTES, end)), decipher.final()]);
  } catch (error) {
    throw new AppError("E_KEY_MISMATCH", `a sealed value of ${place.table}.${place.column} does not open`, {
      cause: error,
    });
  }
}

function associatedData(place: SealPlace): Buffer {
  // Lengths in front: ("ab", "c") and ("a", "bc") must not authenticate alike.
  const parts = ["asls", place.table, place.column, place.rowId].map((part) => `${part.length}:${part}`);
  return Buffer.from(parts.join("|"), "utf8");
}
