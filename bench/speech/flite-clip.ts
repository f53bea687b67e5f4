import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { readWavFile } from "../../src/core/wav.ts";
import { type AudioFrame, FRAME_SAMPLES } from "../../src/sensors/ports.ts";

/**
 * A sentence spoken by flite, in a quiet room, as frames.
 * @param beforeSamples room before the first sample; what is no multiple of a frame moves the sentence within its frames.
 * @param afterFrames whole frames of room behind it.
 */
export async function fliteClip(
  voice: string,
  text: string,
  folder: string,
  { beforeSamples, afterFrames }: { readonly beforeSamples: number; readonly afterFrames: number },
): Promise<AudioFrame[]> {
  const path = join(folder, "clip.wav");
  execFileSync("flite", ["-voice", voice, "-t", text, "-o", path]);
  const { samples } = await readWavFile(path);
  const frames = Math.ceil((beforeSamples + samples.length) / FRAME_SAMPLES) + afterFrames;
  const audio = Int16Array.from({ length: frames * FRAME_SAMPLES }, (_, i) => ((i * 7919) % 17) - 8);
  samples.forEach((sample, i) => {
    audio[beforeSamples + i] = Math.max(-32_768, Math.min(32_767, sample + (((i * 31) % 9) - 4)));
  });
  return Array.from({ length: frames }, (_, n) => audio.slice(n * FRAME_SAMPLES, (n + 1) * FRAME_SAMPLES));
}
