import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError, isEnoent } from "../../core/errors.ts";
import { decodeWav, writeWavFile } from "../../core/wav.ts";
import { SAMPLE_RATE_HZ } from "../../sensors/ports.ts";

const run = promisify(execFile);
/** A person reading "go forward ten meters", 16 kHz raw, from Debian's pocketsphinx-testdata. */
const HUMAN_CLIP = "/usr/share/pocketsphinx/test/data/goforward.raw";

/**
 * A sentence spoken by flite, as a 16 kHz WAV in `folder`.
 * @returns its path. @throws AppError E_TTS_UNAVAILABLE.
 */
export async function recordSentence(folder: string, name: string, sentence: string, voice = "slt"): Promise<string> {
  const path = join(folder, `${name}.wav`);
  try {
    await run("flite", ["-voice", voice, "-t", sentence, "-o", path]);
  } catch (error) {
    throw new AppError("E_TTS_UNAVAILABLE", "flite could not speak the demo's requests", { cause: error });
  }
  const { sampleRateHz } = decodeWav(await readFile(path), path);
  if (sampleRateHz !== SAMPLE_RATE_HZ) throw new AppError("E_WAV_RATE", `flite spoke at ${sampleRateHz} Hz`);
  return path;
}

/** A recording of a real person as WAV in `folder`, or null where Debian's test data is not installed. */
export async function recordHuman(folder: string): Promise<string | null> {
  try {
    const raw = await readFile(HUMAN_CLIP);
    const samples = new Int16Array(
      raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength - (raw.length % 2)),
    );
    const path = join(folder, "human.wav");
    await writeWavFile(path, { samples, sampleRateHz: SAMPLE_RATE_HZ });
    return path;
  } catch (error) {
    if (isEnoent(error)) return null;
    throw error;
  }
}
