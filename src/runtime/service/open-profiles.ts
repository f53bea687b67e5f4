import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileWriteError } from "../../core/atomic-file.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { type OpenProfileStore, openProfileStore } from "../../profile/open-profile-store.ts";
import type { SentenceEmbedder } from "../../profile/ports.ts";
import type { AslsConfig } from "../config/schema.ts";

export interface OpenProfilesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly embedder: SentenceEmbedder;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The profile database of this configuration; makes its folders (mode 0700).
 * @throws AppError E_FILE_UNWRITABLE, and what {@link openProfileStore} throws.
 */
export async function openProfiles(
  { paths, profile, signals }: Pick<AslsConfig, "paths" | "profile" | "signals">,
  { clock, logger, embedder, env }: OpenProfilesDeps,
): Promise<OpenProfileStore> {
  const folder = join(paths.stateDir, "profiles");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileWriteError(error, folder);
  }
  return openProfileStore({
    databasePath: join(folder, "profiles.db"),
    keyDirectory: folder,
    credentialsDirectory: env.CREDENTIALS_DIRECTORY ?? null,
    embedder,
    clock,
    logger,
    signalTable: signals,
    halfLifeDays: profile.halfLifeDays,
  });
}
