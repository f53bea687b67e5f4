import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { AppError, systemErrorCode } from "../core/errors.ts";

/**
 * SHA-256 of a file's bytes, lower-case hex.
 * @throws AppError E_FILE_UNREADABLE.
 */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  return hash.digest("hex");
}
