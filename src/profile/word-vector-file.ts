import { AppError } from "../core/errors.ts";

/** A vocabulary with a vector and a weight (smooth inverse frequency, 0..1) per word. */
export interface WordVectors {
  readonly dimensions: number;
  /** Mean sentence vector of general text, subtracted after pooling. */
  readonly offset: Float32Array;
  readonly words: readonly { readonly word: string; readonly weight: number; readonly vector: ArrayLike<number> }[];
}

/** The file as it is used: arrays are views of one buffer, that of the file where it is aligned to 4 bytes. */
export interface WordVectorTable {
  readonly dimensions: number;
  readonly offset: Float32Array;
  readonly rows: ReadonlyMap<string, number>;
  /** Per row, 0..255 for 0..1. */
  readonly weights: Uint8Array;
  /** Component j of row i is about levels[i * dimensions + j] * steps[i]. */
  readonly steps: Float32Array;
  readonly levels: Int8Array;
}

const MAGIC = "ASLSWV1\n";
const HEADER_BYTES = 20;

/**
 * Little-endian: magic (8 bytes), uint32 rows n, uint32 dimensions d, uint32 bytes of the vocabulary v (a multiple of 4,
 * padded by newlines); then float32 offset[d], float32 steps[n], the words joined by newlines, uint8 weights[n],
 * int8 levels[n × d].
 */
export function encodeWordVectors({ dimensions, offset, words }: WordVectors): Uint8Array {
  const joined = words.map(({ word }) => word).join("\n");
  const vocabulary = Buffer.from(joined.padEnd(joined.length + ((4 - (Buffer.byteLength(joined) % 4)) % 4), "\n"));
  const steps = new Float32Array(words.length);
  const weights = new Uint8Array(words.length);
  const levels = new Int8Array(words.length * dimensions);
  for (const [row, { weight, vector }] of words.entries()) {
    const largest = Array.from(vector).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const step = largest / 127;
    steps[row] = step;
    weights[row] = Math.round(weight * 255);
    for (let j = 0; j < dimensions; j++)
      levels[row * dimensions + j] = step === 0 ? 0 : Math.round((vector[j] ?? 0) / step);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(words.length, 8);
  header.writeUInt32LE(dimensions, 12);
  header.writeUInt32LE(vocabulary.length, 16);
  return Buffer.concat([header, bytesOf(offset), bytesOf(steps), vocabulary, weights, bytesOf(levels)]);
}

/** @throws AppError E_EMBEDDER_INVALID: another format, or a length that does not fit the header. */
export function decodeWordVectors(file: Uint8Array): WordVectorTable {
  // A view of 32-bit numbers needs an aligned start, which a slice of a pooled buffer does not have. A whole file read has
  // it, and a copy would cost the process its size once more.
  const bytes = file.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? file : Uint8Array.from(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (bytes.length < HEADER_BYTES || Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== MAGIC) {
    throw new AppError("E_EMBEDDER_INVALID", "the word vectors are not of this format");
  }
  const count = view.getUint32(8, true);
  const dimensions = view.getUint32(12, true);
  const vocabularyBytes = view.getUint32(16, true);
  if (bytes.length !== HEADER_BYTES + 4 * dimensions + 5 * count + vocabularyBytes + count * dimensions) {
    throw new AppError("E_EMBEDDER_INVALID", "the word vectors are truncated or too long");
  }
  const stepsAt = HEADER_BYTES + 4 * dimensions;
  const vocabularyAt = stepsAt + 4 * count;
  const weightsAt = vocabularyAt + vocabularyBytes;
  const words = Buffer.from(bytes.buffer, bytes.byteOffset + vocabularyAt, vocabularyBytes)
    .toString("utf8")
    .trimEnd()
    .split("\n");
  if (words.length !== count) throw new AppError("E_EMBEDDER_INVALID", "the word vectors' vocabulary is damaged");
  return {
    dimensions,
    offset: new Float32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, dimensions),
    rows: new Map(words.map((word, row) => [word, row])),
    weights: bytes.subarray(weightsAt, weightsAt + count),
    steps: new Float32Array(bytes.buffer, bytes.byteOffset + stepsAt, count),
    levels: new Int8Array(bytes.buffer, bytes.byteOffset + weightsAt + count, count * dimensions),
  };
}

function bytesOf(array: Float32Array | Int8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
