import { open } from "node:fs/promises";
import { AppError, isEnoent, systemErrorCode } from "../../core/errors.ts";
import { GgufCursor } from "./gguf-cursor.ts";
import { GGML_TYPES, GGUF_VALUE_BYTES, GGUF_VALUE_TYPES, type GgufValueType } from "./gguf-types.ts";

/** Limits of ggml (GGML_MAX_NAME, GGML_MAX_DIMS), beyond which its own reader refuses or asserts. */
const MAX_TENSOR_NAME = 63;
const MAX_DIMENSIONS = 4;
const MAX_KEYS = 65_536;
/** TENSOR_ALIGNMENT of ggml-backend, which asserts it when the file is mapped. */
const MIN_ALIGNMENT = 32;
const MAX_TENSORS = 65_536;

export type GgufScalar = string | number | boolean;

/** A metadata value; of an array only what it holds and how many, since a vocabulary is megabytes. */
export type GgufValue =
  | { readonly type: Exclude<GgufValueType, "array">; readonly value: GgufScalar }
  | { readonly type: "array"; readonly of: GgufValueType; readonly length: number };

export interface GgufTensor {
  readonly name: string;
  /** ne[0] first: the dimension that is contiguous. */
  readonly shape: readonly number[];
  /** ggml's name of the type, e.g. `Q8_0`. */
  readonly type: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly sizeBytes: number;
}

/**
 * The header of a GGUF file, checked in full before native code sees the file: llama.cpp aborts the process on some
 * malformed files, and an abort takes the whole service down.
 *
 * Checked: magic, version 2 or 3, every key, value and tensor entry well formed and within the file, no duplicates,
 * known tensor types with whole blocks, aligned and non-overlapping data, and the file long enough for all of it.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws AppError E_MODEL_MISSING (no such file), E_FILE_UNREADABLE, E_MODEL_TRUNCATED, E_MODEL_INVALID.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const file = await open(path, "r").catch((error: unknown) => {
    if (isEnoent(error)) throw new AppError("E_MODEL_MISSING", `no file at ${path}`, { cause: error });
    throw new AppError("E_FILE_UNREADABLE", `cannot open ${path} (${systemErrorCode(error)})`, { cause: error });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new AppError("E_MODEL_INVALID", `${path} is not a regular file`);
    return await parseHeader(new GgufCursor(file, stat.size));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error)})`, { cause: error });
  } finally {
    await file.close();
  }
}

/** A string of the metadata; undefined when absent or of another type. */
export function metadataString(header: GgufHeader, key: string): string | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === "string" && typeof entry.value === "string" ? entry.value : undefined;
}

/** A number of the metadata; undefined when absent or of another type. */
export function metadataNumber(header: GgufHeader, key: string): number | undefined {
  const entry = header.metadata.get(key);
  return entry !== undefined && entry.type !== "array" && typeof entry.value === "number" ? entry.value : undefined;
}

/** Length of an array of the metadata; undefined when absent or not an array. */
export function metadataLength(header: GgufHeader, key: string): number | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === "array" ? entry.length : undefined;
}

async function parseHeader(cursor: GgufCursor): Promise<GgufHeader> {
  if (cursor.sizeBytes === 0) throw new AppError("E_MODEL_TRUNCATED", "the file is empty");
  const magic = (await cursor.bytes(Math.min(4, cursor.sizeBytes))).toString("latin1");
  if (magic !== "GGUF") throw invalid("not a GGUF file: its first four bytes are not `GGUF`");
  const version = await cursor.u32();
  if (version !== 2 && version !== 3) throw invalid(`GGUF version ${version}; versions 2 and 3 are understood`);
  const tensorCount = await cursor.u64();
  const keyCount = await cursor.u64();
  if (tensorCount > MAX_TENSORS || keyCount > MAX_KEYS) {
    throw invalid(`${tensorCount} tensors and ${keyCount} keys are more than any model has`);
  }
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = await cursor.string();
    if (metadata.has(key)) throw invalid(`metadata key ${JSON.stringify(key)} appears twice`);
    metadata.set(key, await readValue(cursor, key));
  }
  const entries: TensorEntry[] = [];
  for (let i = 0; i < tensorCount; i++) entries.push(await readTensorEntry(cursor));
  const alignment = alignmentOf(metadata);
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  return {
    version,
    metadata,
    tensors: placeTensors(entries, dataStart, alignment, cursor.sizeBytes),
    sizeBytes: cursor.sizeBytes,
  };
}

async function readValueType(cursor: GgufCursor, key: string): Promise<GgufValueType> {
  const id = await cursor.u32();
  const type = GGUF_VALUE_TYPES[id];
  if (type === undefined) throw invalid(`metadata key ${JSON.stringify(key)} has the unknown type ${id}`);
  return type;
}

async function readValue(cursor: GgufCursor, key: string): Promise<GgufValue> {
  const type = await readValueType(cursor, key);
  if (type !== "array") return { type, value: await cursor.scalar(type) };
  const of = await readValueType(cursor, key);
  const length = await cursor.u64();
  if (of === "array") throw invalid(`metadata key ${JSON.stringify(key)} is an array of arrays`);
  if (of === "string") await cursor.skipStrings(length);
  else await cursor.skip(length * GGUF_VALUE_BYTES[of]);
  return { type, of, length };
}

interface TensorEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  readonly relativeOffset: number;
  readonly sizeBytes: number;
}

async function readTensorEntry(cursor: GgufCursor): Promise<TensorEntry> {
  const name = await cursor.string();
  const label = JSON.stringify(name.slice(0, MAX_TENSOR_NAME));
  if (Buffer.byteLength(name) > MAX_TENSOR_NAME) throw invalid(`the tensor name ${label}... is too long`);
  const dimensions = await cursor.u32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) throw invalid(`tensor ${label} has ${dimensions} dimensions`);
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.push(await cursor.u64());
  const typeId = await cursor.u32();
  const type = GGML_TYPES.get(typeId);
  if (type === undefined) throw invalid(`tensor ${label} has the unknown type ${typeId}`);
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements < 1 || elements > Number.MAX_SAFE_INTEGER || (shape[0] ?? 0) % type.elements !== 0) {
    throw invalid(`tensor ${label} has the impossible shape ${shape.join(" x ")} for ${type.name}`);
  }
  const relativeOffset = await cursor.u64();
  return { name, shape, type: type.name, relativeOffset, sizeBytes: (elements / type.elements) * type.bytes };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const entry = metadata.get("general.alignment");
  if (entry === undefined) return 32;
  const value = entry.type === "u32" && typeof entry.value === "number" ? entry.value : 0;
  if (value < MIN_ALIGNMENT || value > 65_536 || (value & (value - 1)) !== 0) {
    throw invalid("general.alignment is not a power of two of 32 or more");
  }
  return value;
}

/** llama.cpp wants tensor data in the order of the entries, each padded to the alignment, with nothing between. */
function placeTensors(
  entries: readonly TensorEntry[],
  dataStart: number,
  alignment: number,
  fileBytes: number,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  let expected = 0;
  for (const { name, shape, type, relativeOffset, sizeBytes } of entries) {
    if (tensors.has(name)) throw invalid(`tensor ${JSON.stringify(name)} appears twice`);
    if (relativeOffset !== expected) {
      throw invalid(`tensor ${JSON.stringify(name)} starts at ${relativeOffset}, not at ${expected}`);
    }
    expected += Math.ceil(sizeBytes / alignment) * alignment;
    const offset = dataStart + relativeOffset;
    if (offset + sizeBytes > fileBytes) {
      throw new AppError(
        "E_MODEL_TRUNCATED",
        `the file has ${fileBytes} bytes but tensor ${JSON.stringify(name)} ends at ${offset + sizeBytes}`,
        {
          details: { sizeBytes: fileBytes, neededBytes: offset + sizeBytes },
        },
      );
    }
    tensors.set(name, { name, shape, type, offset, sizeBytes });
  }
  return tensors;
}

function invalid(message: string): AppError {
  return new AppError("E_MODEL_INVALID", message);
}
