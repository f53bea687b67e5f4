import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM, randomBytes } from "node:crypto";
import { AppError } from "../core/errors.ts";

/** Bytes of every key: AES-256. */
export const KEY_BYTES = 32;

/** Of the first key of a profile: version byte 1. */
const FIRST_HEADER = Uint8Array.of(1);
/** Of a later key: version byte 2 and the key's generation, big-endian. */
const LATER_VERSION = 2;
const LATER_HEADER_BYTES = 3;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PIECE_BYTES = 1024 * 1024;

/** Generations are counted modulo this; two at most are in use at a time. */
export const KEY_GENERATIONS = 2 ** 16;

/** Where a sealed value belongs; an envelope moved to another row, column or table does not open. */
export interface SealPlace {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

/**
 * AES-256-GCM envelope: header (version 1, or version 2 with the key's generation), 12-byte random nonce, ciphertext, 16-byte
 * tag; the place and the header are authenticated as associated data (NIST SP 800-38D; a random nonce is safe for 2^32 values
 * under one key, section 8.3).
 *
 * @param key 32 bytes, borrowed.
 * @param generation which key of the profile it is; 0 = its first.
 */
export function seal(key: Uint8Array, place: SealPlace, plain: Uint8Array, generation = 0): Uint8Array {
  const header = headerOf(generation);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(associatedData(place, header));
  const start = header.length + NONCE_BYTES;
  const envelope = Buffer.allocUnsafe(start + plain.length + TAG_BYTES);
  envelope.set(header);
  envelope.set(nonce, header.length);
  updateInPieces(cipher, plain, envelope, start);
  cipher.final(); // of GCM: no bytes
  envelope.set(cipher.getAuthTag(), start + plain.length);
  return envelope;
}

/**
 * The plain bytes of an envelope.
 * @throws AppError E_KEY_MISMATCH: another key, another place, or changed bytes. E_DB_FROM_FUTURE: an unknown version.
 */
export function unseal(key: Uint8Array, place: SealPlace, envelope: Uint8Array): Buffer {
  const header = headerOf(generationOf(envelope));
  const start = header.length + NONCE_BYTES;
  const end = envelope.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, envelope.subarray(header.length, start));
    decipher.setAAD(associatedData(place, header));
    decipher.setAuthTag(envelope.subarray(end));
    const plain = Buffer.allocUnsafe(Math.max(0, end - start));
    updateInPieces(decipher, envelope.subarray(start, end), plain, 0);
    decipher.final();
    return plain;
  } catch (error) {
    throw new AppError("E_KEY_MISMATCH", `a sealed value of ${place.table}.${place.column} does not open`, {
      cause: error,
    });
  }
}

/** Through the cipher into `to`, with little memory besides: an adapter has 10 MB and more. */
function updateInPieces(cipher: CipherGCM | DecipherGCM, from: Uint8Array, to: Uint8Array, at: number): void {
  for (let done = 0; done < from.length; done += PIECE_BYTES) {
    to.set(cipher.update(from.subarray(done, done + PIECE_BYTES)), at + done);
  }
}

/** Which key of its profile an envelope was sealed with. @throws AppError E_DB_FROM_FUTURE for an unknown version. */
export function generationOf(envelope: Uint8Array): number {
  const [version, high = 0, low = 0] = envelope;
  if (version === FIRST_HEADER[0]) return 0;
  if (version === LATER_VERSION) return high * 256 + low;
  throw new AppError("E_DB_FROM_FUTURE", `a sealed value has version ${version ?? "none"}, not 1 or ${LATER_VERSION}`);
}

function headerOf(generation: number): Uint8Array {
  if (generation === 0) return FIRST_HEADER;
  const header = new Uint8Array(LATER_HEADER_BYTES);
  header.set([LATER_VERSION, generation >> 8, generation & 0xff]);
  return header;
}

function associatedData(place: SealPlace, header: Uint8Array): Buffer {
  // Lengths in front: ("ab", "c") and ("a", "bc") must not authenticate alike.
  const parts = ["asls", place.table, place.column, place.rowId].map((part) => `${part.length}:${part}`);
  const bytes = Buffer.from(parts.join("|"), "utf8");
  return header.length === FIRST_HEADER.length ? bytes : Buffer.concat([bytes, header]);
}
