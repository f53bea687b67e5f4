import { AppError } from "../core/errors.ts";
import { countTurn, type Frequency, NO_FREQUENCY } from "./frequency.ts";
import type { NewInteraction, SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";
import { addTurn, NO_STYLE, type Style } from "./style.ts";

/** Running statistics of a profile: a pure fold over its interactions in order. */
export interface Statistics {
  readonly version: 1;
  readonly style: Style;
  readonly frequency: Frequency;
}

export const NO_STATISTICS: Statistics = { version: 1, style: NO_STYLE, frequency: NO_FREQUENCY };

/** The statistics after one more interaction. */
export function withInteraction(
  statistics: Statistics,
  interaction: Pick<NewInteraction, "input" | "modality" | "domain" | "atMs" | "context">,
  halfLifeMs: number,
): Statistics {
  const { domain, atMs, context } = interaction;
  return {
    version: 1,
    style: addTurn(statistics.style, interaction.input, interaction.modality),
    frequency: countTurn(statistics.frequency, { domain, atMs, hour: context.hour }, halfLifeMs),
  };
}

/** @throws AppError E_DB_FROM_FUTURE for statistics of a newer release. */
export async function readStatistics(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
): Promise<Statistics> {
  const row = await database.get<{ sealed_statistics: Uint8Array | null }>(
    "SELECT sealed_statistics FROM profiles WHERE id = ?",
    [profileId],
  );
  if (!row?.sealed_statistics) return NO_STATISTICS;
  const text = cipher.openText("profiles", "sealed_statistics", profileId, row.sealed_statistics);
  const statistics = JSON.parse(text) as Statistics;
  if (statistics.version !== 1) throw new AppError("E_DB_FROM_FUTURE", "the profile's statistics are of a newer asls");
  return statistics;
}

export async function writeStatistics(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  statistics: Statistics,
): Promise<void> {
  const sealed = cipher.sealText("profiles", "sealed_statistics", profileId, JSON.stringify(statistics));
  await database.run("UPDATE profiles SET sealed_statistics = ? WHERE id = ?", [sealed, profileId]);
}
