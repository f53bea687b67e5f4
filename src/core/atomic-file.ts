import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, systemErrorCode } from "./errors.ts";
import { randomId } from "./ids.ts";

/**
 * Replaces `path` by `data` so that a reader, or a power cut at any instant, sees the old file or the new one: write to
 * a temporary name beside it, fsync, rename, fsync the folder.
 *
 * @param mode permission bits of the new file; default 0o600, since most of our files belong to one user.
 * @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. The temporary file is removed.
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomId("tmp")}`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileWriteError(error, path);
  }
}

/** Makes a rename in that folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Maps a failed write to E_DISK_FULL (ENOSPC, EDQUOT) or E_FILE_UNWRITABLE. */
export function fileWriteError(error: unknown, path: string): AppError {
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError("E_DISK_FULL", `no space left to write ${path}`, { cause: error });
  }
  return new AppError("E_FILE_UNWRITABLE", `cannot write ${path} (${code ?? "unknown reason"})`, { cause: error });
}
