import type { KeyRotation, RotationProgress, SealedFileKeeper } from "../../profile/key-rotation.ts";
import type { ProfileArchive } from "../../profile/ports.ts";

/** What replacing keys came to. */
export interface KeysRotated {
  /** Where the device key is now; null = it was not replaced: a credential is replaced by its owner. */
  readonly device: "credential" | "file" | null;
  readonly profiles: readonly RotationProgress[];
}

/**
 * Replaces the device key, then the key of one profile or of all, while the database is in use.
 * @throws AppError E_PROFILE_UNKNOWN, E_ABORTED (it goes on at the next start), E_DISK_FULL.
 */
export async function rotateKeys(
  { keys, archive }: { readonly keys: KeyRotation; readonly archive: Pick<ProfileArchive, "list"> },
  keeper: SealedFileKeeper,
  profile: string | null,
  onProgress: (progress: RotationProgress) => void,
  signal: AbortSignal,
): Promise<KeysRotated> {
  const ids = profile === null ? (await archive.list()).map(({ id }) => id) : [profile];
  const device = await keys.rotateDevice();
  const profiles: RotationProgress[] = [];
  for (const id of ids) profiles.push(await keys.rotateProfile(id, [keeper], onProgress, signal));
  return { device, profiles };
}
