import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { profileId } from "../mqtt/payload-values.ts";

/** In the state folder: ids of the profiles whose topics the broker may hold. */
export const PROFILE_TOPICS_FILE = "mqtt-profiles.json";

const fileSchema = v.strictObject({ v: v.literal(1), profiles: v.array(profileId) });

/** @throws ENOENT when there is no such file, and what parsing throws when it is damaged. */
export async function readPublishedProfiles(path: string): Promise<readonly string[]> {
  return v.parse(fileSchema, JSON.parse(await readFile(path, "utf8"))).profiles;
}

/** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
export async function writePublishedProfiles(path: string, profiles: readonly string[]): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ v: 1, profiles })}\n`);
}
