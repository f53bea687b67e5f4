import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../core/atomic-file.ts";
import type { ProfileFiles } from "../profile/ports.ts";

/** Seals these files of a folder anew where an older key of the profile has; each is replaced atomically. Number of files. */
export async function resealFiles(
  files: ProfileFiles,
  profileId: string,
  folder: string,
  names: readonly string[],
): Promise<number> {
  let changed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const resealed = await files.reseal(profileId, name, await readFile(path));
    if (resealed === null) continue;
    await writeFileAtomic(path, resealed);
    changed += 1;
  }
  return changed;
}
