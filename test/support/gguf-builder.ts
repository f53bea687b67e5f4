import { GGML_TYPES, GGUF_VALUE_TYPES, type GgufValueType } from "../../src/runtime/llm/gguf-types.ts";

type Scalar = string | number | boolean;

export type BuiltValue =
  | { readonly type: Exclude<GgufValueType, "array">; readonly value: Scalar }
  | { readonly type: "array"; readonly of: Exclude<GgufValueType, "array">; readonly values: readonly Scalar[] };

export interface BuiltTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** F32 values, or raw bytes of `type`. */
  readonly data: Float32Array | Uint8Array;
  /** Number of the ggml type; default 0 = F32. */
  readonly typeId?: number;
}

export interface GgufPlan {
  readonly version?: number;
  readonly metadata: Readonly<Record<string, BuiltValue>>;
  readonly tensors: readonly BuiltTensor[];
}

export const text = (value: string): BuiltValue => ({ type: "string", value });
export const u32 = (value: number): BuiltValue => ({ type: "u32", value });
export const f32 = (value: number): BuiltValue => ({ type: "f32", value });

/** Bytes of a GGUF file as the plan says, alignment 32. Makes wrong files as willingly as right ones. */
export function buildGguf({ version = 3, metadata, tensors }: GgufPlan): Buffer {
  const parts: Buffer[] = [Buffer.from("GGUF"), number("u32", version), number("u64", tensors.length)];
  const entries = Object.entries(metadata);
  parts.push(number("u64", entries.length));
  for (const [key, value] of entries) parts.push(string(key), number("u32", typeId(value.type)), valueBytes(value));
  let offset = 0;
  for (const { name, shape, typeId: type = 0, data } of tensors) {
    if (!GGML_TYPES.has(type) && type < 100) throw new RangeError(`no ggml type ${type}`);
    parts.push(string(name), number("u32", shape.length), ...shape.map((size) => number("u64", size)));
    parts.push(number("u32", type), number("u64", offset));
    offset += padded(data.byteLength);
  }
  const header = Buffer.concat(parts);
  const body = tensors.map(({ data }) => {
    const bytes = Buffer.alloc(padded(data.byteLength));
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return bytes;
  });
  return Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length), ...body]);
}

function padded(size: number): number {
  return Math.ceil(size / 32) * 32;
}

function typeId(type: GgufValueType): number {
  return GGUF_VALUE_TYPES.indexOf(type);
}

function valueBytes(value: BuiltValue): Buffer {
  if (value.type !== "array") return scalar(value.type, value.value);
  const items = value.values.map((item) => scalar(value.of, item));
  return Buffer.concat([number("u32", typeId(value.of)), number("u64", items.length), ...items]);
}

function scalar(type: Exclude<GgufValueType, "array">, value: Scalar): Buffer {
  return type === "string" ? string(String(value)) : number(type, Number(value));
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number("u64", bytes.length), bytes]);
}

function number(type: Exclude<GgufValueType, "array" | "string">, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  switch (type) {
    case "f32":
      return bytes.subarray(0, bytes.writeFloatLE(value));
    case "f64":
      return bytes.subarray(0, bytes.writeDoubleLE(value));
    case "u64":
      return bytes.subarray(0, bytes.writeBigUInt64LE(BigInt(value)));
    case "i64":
      return bytes.subarray(0, bytes.writeBigInt64LE(BigInt(value)));
    case "u32":
      return bytes.subarray(0, bytes.writeUInt32LE(value));
    case "i32":
      return bytes.subarray(0, bytes.writeInt32LE(value));
    case "u16":
      return bytes.subarray(0, bytes.writeUInt16LE(value));
    case "i16":
      return bytes.subarray(0, bytes.writeInt16LE(value));
    case "i8":
      return bytes.subarray(0, bytes.writeInt8(value));
    case "u8":
    case "bool":
      return bytes.subarray(0, bytes.writeUInt8(value));
  }
}
