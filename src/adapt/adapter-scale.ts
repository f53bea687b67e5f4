import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { AppError, systemErrorCode } from "../core/errors.ts";

const KEY = "adapter.lora.alpha";
const GGUF_FLOAT32 = 6;

/**
 * A copy of a LoRA adapter whose effect is `factor` times as strong: its `adapter.lora.alpha` is multiplied, the weights
 * are the same bytes. Half an adapter moves the model about half as far, which also halves what it forgets.
 *
 * @throws AppError E_FILE_UNREADABLE; E_ADAPTER_INVALID when the file has no alpha; E_DISK_FULL, E_FILE_UNWRITABLE.
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: key length (u64), key, value type (u32), value
 */
export async function writeScaledAdapter(from: string, to: string, factor: number): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = await readFile(from);
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${from} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  const at = bytes.indexOf(KEY);
  const value = at + KEY.length + 4;
  const isKey =
    at >= 8 &&
    value + 4 <= bytes.length &&
    bytes.readBigUInt64LE(at - 8) === BigInt(KEY.length) &&
    bytes.readUInt32LE(at + KEY.length) === GGUF_FLOAT32;
  if (!isKey) throw new AppError("E_ADAPTER_INVALID", `${from} has no ${KEY}`);
  bytes.writeFloatLE(bytes.readFloatLE(value) * factor, value);
  await writeFileAtomic(to, bytes);
}
