import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { AppError, systemErrorCode } from "./errors.ts";

/**
 * SHA-256 of a file as 64 lowercase hex digits, read in pieces so that the event loop runs in between.
 * @throws AppError E_FILE_UNREADABLE, E_ABORTED.
 */
export async function fileSha256(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, ...(signal ? { signal } : {}) })) {
      hash.update(chunk);
    }
  } catch (error) {
    if (signal?.aborted) throw new AppError("E_ABORTED", "aborted while hashing a file", { cause: error });
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  return hash.digest("hex");
}
