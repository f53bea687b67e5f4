import type { FileHandle } from "node:fs/promises";
import { AppError } from "../../core/errors.ts";
import { GGUF_VALUE_BYTES, type GgufValueType } from "./gguf-types.ts";

const CHUNK_BYTES = 256 * 1024;
/** Longest string kept: chat templates reach some tens of KB; a longer one is not a name or a template. */
const MAX_STRING_BYTES = 4 * 1024 * 1024;

/**
 * Reads little-endian GGUF values one after the other through a bounded buffer; only `fill` touches the disk, so the
 * event loop runs between chunks. Reading past the end is E_MODEL_TRUNCATED.
 */
export class GgufCursor {
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  #buffer = Buffer.alloc(0);
  #bufferStart = 0;
  #offset = 0;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** Bytes from the start of the file. */
  get offset(): number {
    return this.#offset;
  }

  async bytes(count: number): Promise<Buffer> {
    const at = await this.#ensure(count);
    this.#offset += count;
    return this.#buffer.subarray(at, at + count);
  }

  async skip(count: number): Promise<void> {
    if (count > this.sizeBytes - this.#offset) throw this.#truncated();
    this.#offset += count;
  }

  async u32(): Promise<number> {
    const at = await this.#ensure(4);
    this.#offset += 4;
    return this.#buffer.readUInt32LE(at);
  }

  /** @throws AppError E_MODEL_INVALID above 2^53: no honest length or offset is that large. */
  async u64(): Promise<number> {
    const at = await this.#ensure(8);
    this.#offset += 8;
    const value = this.#buffer.readBigUInt64LE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new AppError("E_MODEL_INVALID", `impossible length at byte ${this.#offset - 8} of the GGUF header`);
    }
    return Number(value);
  }

  async string(): Promise<string> {
    const length = await this.u64();
    if (length > this.sizeBytes - this.#offset) throw this.#truncated();
    if (length > MAX_STRING_BYTES) {
      throw new AppError("E_MODEL_INVALID", `a GGUF string of ${length} bytes at byte ${this.#offset}`);
    }
    return (await this.bytes(length)).toString("utf8");
  }

  /** Skips `count` strings. */
  async skipStrings(count: number): Promise<void> {
    // Every string costs at least its 8-byte length, so an absurd count is refused before the loop.
    if (count > (this.sizeBytes - this.#offset) / 8) throw this.#truncated();
    for (let i = 0; i < count; i++) {
      // A vocabulary has 300,000 of them: no await while the length is in the buffer already.
      const at = this.#bufferedAt(8) ?? (await this.#ensure(8));
      const length = this.#buffer.readUInt32LE(at) + this.#buffer.readUInt32LE(at + 4) * 2 ** 32;
      if (length > this.sizeBytes - this.#offset - 8) throw this.#truncated();
      this.#offset += 8 + length;
    }
  }

  async scalar(type: Exclude<GgufValueType, "array">): Promise<string | number | boolean> {
    if (type === "string") return this.string();
    const bytes = await this.bytes(GGUF_VALUE_BYTES[type]);
    switch (type) {
      case "u8":
        return bytes.readUInt8();
      case "i8":
        return bytes.readInt8();
      case "u16":
        return bytes.readUInt16LE();
      case "i16":
        return bytes.readInt16LE();
      case "u32":
        return bytes.readUInt32LE();
      case "i32":
        return bytes.readInt32LE();
      case "f32":
        return bytes.readFloatLE();
      case "bool":
        return bytes.readUInt8() !== 0;
      case "u64":
        return Number(bytes.readBigUInt64LE());
      case "i64":
        return Number(bytes.readBigInt64LE());
      case "f64":
        return bytes.readDoubleLE();
    }
  }

  #bufferedAt(count: number): number | undefined {
    const at = this.#offset - this.#bufferStart;
    return at >= 0 && at + count <= this.#buffer.length ? at : undefined;
  }

  async #ensure(count: number): Promise<number> {
    const buffered = this.#bufferedAt(count);
    if (buffered !== undefined) return buffered;
    if (count > this.sizeBytes - this.#offset) throw this.#truncated();
    const chunk = Buffer.alloc(Math.min(Math.max(count, CHUNK_BYTES), this.sizeBytes - this.#offset));
    const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, this.#offset);
    this.#buffer = chunk.subarray(0, bytesRead);
    this.#bufferStart = this.#offset;
    if (bytesRead < count) throw this.#truncated();
    return 0;
  }

  #truncated(): AppError {
    return new AppError("E_MODEL_TRUNCATED", `the file ends inside its GGUF header (${this.sizeBytes} bytes)`, {
      details: { sizeBytes: this.sizeBytes },
    });
  }
}
