import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isEnoent } from "../../core/errors.ts";

const FILE_NAME = /^\d{5,}\.wav$/;

interface OutputFolders {
  readonly output: { readonly kind: string; readonly wavDir: string };
  readonly paths: { readonly stateDir: string };
}

/** Where spoken answers are kept as files; null for an output that keeps none. */
export function recordingsFolder({ output, paths }: OutputFolders): string | null {
  return output.kind === "wav" ? output.wavDir || join(paths.stateDir, "spoken") : null;
}

/** Deletes all of them; number of files. */
export async function removeRecordings(folder: string | null): Promise<number> {
  if (folder === null) return 0;
  try {
    const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name));
    for (const name of names) await rm(join(folder, name), { force: true });
    return names.length;
  } catch (error) {
    if (isEnoent(error)) return 0;
    throw error;
  }
}
