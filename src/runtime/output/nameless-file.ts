import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileWriteError } from "../../core/atomic-file.ts";
import { randomId } from "../../core/ids.ts";

/**
 * An open file without a name, for handing personal data to a child that wants a path: the child opens
 * `/proc/self/fd/N`, and nothing is left behind whatever dies. Give it a folder in memory (tmpfs).
 *
 * @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE.
 */
export async function openNamelessFile(folder: string): Promise<FileHandle> {
  const path = join(folder, randomId("speech"));
  let file: FileHandle | null = null;
  try {
    file = await open(path, "wx+", 0o600);
    await unlink(path);
    return file;
  } catch (error) {
    await file?.close();
    throw fileWriteError(error, path);
  }
}

/** All of the file's bytes, wherever its position is. */
export async function readWholeFile(file: FileHandle): Promise<Buffer> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
