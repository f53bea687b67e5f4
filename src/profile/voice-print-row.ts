import type { SqlTransaction } from "./ports.ts";
import type { ProfileCipher } from "./profile-vault.ts";
import type { VoicePrint } from "./voice-print.ts";

interface VoiceRow {
  readonly sealed_voice_print: Uint8Array | null;
  readonly voice_print_model: string | null;
}

/** Sealed content: number of utterances (float32), then the vector. */
export async function readVoicePrint(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
): Promise<VoicePrint | null> {
  const row = await database.get<VoiceRow>("SELECT sealed_voice_print, voice_print_model FROM profiles WHERE id = ?", [
    profileId,
  ]);
  if (!row?.sealed_voice_print || row.voice_print_model === null) return null;
  const bytes = cipher.openBytes("profiles", "sealed_voice_print", profileId, row.sealed_voice_print);
  const numbers = new Float32Array(new Uint8Array(bytes).buffer);
  return { model: row.voice_print_model, utterances: numbers[0] ?? 0, mean: numbers.slice(1) };
}

export async function writeVoicePrint(
  database: SqlTransaction,
  cipher: ProfileCipher,
  profileId: string,
  { model, utterances, mean }: VoicePrint,
): Promise<void> {
  const numbers = Float32Array.of(utterances, ...mean);
  const sealed = cipher.sealBytes("profiles", "sealed_voice_print", profileId, new Uint8Array(numbers.buffer));
  await database.run("UPDATE profiles SET sealed_voice_print = ?, voice_print_model = ? WHERE id = ?", [
    sealed,
    model,
    profileId,
  ]);
}

/** Number of prints deleted. */
export async function deleteVoicePrint(database: SqlTransaction, profileId: string): Promise<number> {
  const { changes } = await database.run(
    "UPDATE profiles SET sealed_voice_print = NULL, voice_print_model = NULL WHERE id = ? AND sealed_voice_print IS NOT NULL",
    [profileId],
  );
  return changes;
}
