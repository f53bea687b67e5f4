import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { AppError, systemErrorCode } from "../core/errors.ts";

const MAGIC = "GGUF";
const F32 = 0;
const STRING = 8;
const ARRAY = 9;
/** Bytes of a metadata value by its type number; see docs/gguf.md of ggml. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const ALIGNMENT = 32;

/** Weights of a LoRA adapter as the trainer wrote it. */
export interface AdapterWeights {
  /** Everything before the weights: names, shapes, rank, alpha, fingerprint of the base. */
  readonly header: Buffer;
  readonly values: Float32Array;
}

/**
 * Reads an adapter written by the trainer (F32 weights).
 * @throws AppError E_FILE_UNREADABLE, E_ADAPTER_INVALID.
 */
export async function readAdapterWeights(path: string): Promise<AdapterWeights> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  let dataStart: number;
  try {
    dataStart = weightsStart(bytes);
  } catch (error) {
    throw new AppError("E_ADAPTER_INVALID", `${path} is not an adapter with F32 weights`, { cause: error });
  }
  const values = new Float32Array((bytes.length - dataStart) >>> 2);
  for (let i = 0; i < values.length; i += 1) values[i] = bytes.readFloatLE(dataStart + 4 * i);
  return { header: bytes.subarray(0, dataStart), values };
}

/** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
export async function writeAdapterWeights(path: string, { header, values }: AdapterWeights): Promise<void> {
  const weights = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) weights.writeFloatLE(value, 4 * i);
  await writeFileAtomic(path, Buffer.concat([header, weights]));
}

/**
 * from + rate (mean(towards) - from), weight by weight: the outer step of Reptile.
 *
 * @param rate 0 = from, 1 = the mean.
 * @throws AppError E_ADAPTER_MISMATCH when shapes, scale or base differ; E_ADAPTER_INVALID when a weight is not finite.
 * @see Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, arXiv 1803.02999, algorithm 2
 */
export function movedTowards(from: AdapterWeights, towards: readonly AdapterWeights[], rate: number): AdapterWeights {
  if (towards.length === 0) return from;
  if (towards.some(({ header }) => !header.equals(from.header))) {
    throw new AppError("E_ADAPTER_MISMATCH", "adapters of different shapes, scales or bases cannot be averaged");
  }
  const values = from.values.map((value, i) => {
    const mean = towards.reduce((sum, each) => sum + (each.values[i] ?? Number.NaN), 0) / towards.length;
    return value + rate * (mean - value);
  });
  if (!values.every(Number.isFinite)) throw new AppError("E_ADAPTER_INVALID", "a weight of the average is not finite");
  return { header: from.header, values };
}

/** Offset of the first weight. @throws RangeError when the file ends early or holds anything but F32 weights. */
function weightsStart(bytes: Buffer): number {
  let at = 0;
  const u32 = () => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const u64 = () => {
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const skipString = () => {
    const length = u64();
    at += length;
  };
  const skipValue = (type: number) => {
    if (type === STRING) return skipString();
    if (type !== ARRAY) {
      at += VALUE_BYTES[type] ?? Number.NaN;
      return;
    }
    const [element, count] = [u32(), u64()];
    for (let i = 0; i < count; i += 1) skipValue(element);
  };
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new RangeError("no magic");
  at = 8;
  const [tensors, entries] = [u64(), u64()];
  for (let i = 0; i < entries; i += 1) {
    skipString();
    skipValue(u32());
  }
  let weights = 0;
  for (let i = 0; i < tensors; i += 1) {
    skipString();
    const dimensions = u32();
    let count = 1;
    for (let d = 0; d < dimensions; d += 1) count *= u64();
    if (u32() !== F32) throw new RangeError("a tensor is not F32");
    u64();
    weights += Math.ceil((4 * count) / ALIGNMENT) * ALIGNMENT;
  }
  const start = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  if (start + weights !== bytes.length) throw new RangeError("the weights are not all there");
  return start;
}
