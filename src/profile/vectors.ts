import { AppError } from "../core/errors.ts";

/** Dot product of two vectors of one length; of unit vectors, their cosine similarity. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  // The casts stand for equal lengths: this is the inner loop of retrieval.
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Scales to length 1 in place and returns it; the zero vector stays zero. */
export function normalise(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) / length;
  return vector;
}

/** A vector at 8 bits a component: component i is about `levels[i] * step`. A quarter of the memory of floats. */
export interface SmallVector {
  readonly levels: Int8Array;
  readonly step: number;
}

/** Rounds to 8 bits; error per component at most step / 2 = max|x| / 254. */
export function shrink(vector: Float32Array): SmallVector {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const step = largest / 127;
  const levels = new Int8Array(vector.length);
  if (step > 0) for (let i = 0; i < vector.length; i++) levels[i] = Math.round((vector[i] ?? 0) / step);
  return { levels, step };
}

/** Dot product of a float vector and a small one. */
export function dotSmall(a: Float32Array, { levels, step }: SmallVector): number {
  let sum = 0;
  // A loop of its own, not dot(): with one pair of array types it compiles to straight code.
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (levels[i] as number);
  return sum * step;
}

/** Stored form: step as little-endian float32, then one signed byte per component. */
export function encodeVector(vector: SmallVector): Uint8Array {
  const bytes = new Uint8Array(4 + vector.levels.length);
  new DataView(bytes.buffer).setFloat32(0, vector.step, true);
  bytes.set(new Uint8Array(vector.levels.buffer, vector.levels.byteOffset, vector.levels.length), 4);
  return bytes;
}

/** @throws AppError E_DB_CORRUPT for fewer than 4 bytes. */
export function decodeVector(bytes: Uint8Array): SmallVector {
  if (bytes.length < 4) throw new AppError("E_DB_CORRUPT", "a stored sentence vector is too short");
  const step = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat32(0, true);
  return { levels: Int8Array.from(bytes.subarray(4), (byte) => (byte << 24) >> 24), step };
}
