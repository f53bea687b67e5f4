import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileWriteError } from "../../core/atomic-file.ts";
import { packageRoot } from "../../core/built-file.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { openEmbedder, WORD_VECTOR_FILE } from "../../profile/open-embedder.ts";
import { type OpenProfileStore, openProfileStore } from "../../profile/open-profile-store.ts";
import type { SentenceEmbedder } from "../../profile/ports.ts";
import type { AslsConfig } from "../config/schema.ts";

export interface OpenProfilesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The open profile database with the embedder it uses. */
export interface Profiles extends OpenProfileStore {
  readonly embedder: SentenceEmbedder;
}

/** Where the profile database of this configuration is. */
export function profileDatabasePath({ paths }: Pick<AslsConfig, "paths">): string {
  return join(paths.stateDir, "profiles", "profiles.db");
}

/**
 * The profile database of this configuration; makes its folder (mode 0700).
 * @throws AppError E_FILE_UNWRITABLE, and what {@link openProfileStore} throws.
 */
export async function openProfiles(
  { paths, profile, signals }: Pick<AslsConfig, "paths" | "profile" | "signals">,
  { clock, logger, env }: OpenProfilesDeps,
): Promise<Profiles> {
  const folder = join(paths.stateDir, "profiles");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileWriteError(error, folder);
  }
  const embedder = await openEmbedder(join(packageRoot, "models", WORD_VECTOR_FILE), logger);
  const opened = await openProfileStore({
    databasePath: profileDatabasePath({ paths }),
    keyDirectory: folder,
    credentialsDirectory: env.CREDENTIALS_DIRECTORY ?? null,
    embedder,
    clock,
    logger,
    signalTable: signals,
    halfLifeDays: profile.halfLifeDays,
    tau: profile.tau,
    recallLimit: profile.recallLimit,
    redaction: profile.redact,
  });
  return { ...opened, embedder };
}
