import { packageRoot } from "../../src/core/built-file.ts";
import { readWavFile, type WavAudio } from "../../src/core/wav.ts";
import { type AudioFrame, FRAME_SAMPLES, SAMPLE_RATE_HZ } from "../../src/sensors/ports.ts";

export type ClipName =
  | "turn-on-the-kitchen-lights-slt"
  | "call-me-sam-slt"
  | "okay-computer-turn-on-the-kitchen-lights-rms"
  | "go-forward-ten-meters-human";

function clipPath(name: ClipName): string {
  return `${packageRoot}test/fixtures/wav/${name}.wav`;
}

export function readClip(name: ClipName): Promise<WavAudio> {
  return readWavFile(clipPath(name));
}

/** Whole frames of a clip with 300 ms of quiet room before it and 500 ms after. */
export async function clipFrames(name: ClipName): Promise<AudioFrame[]> {
  const { samples } = await readClip(name);
  return [...roomFrames(10), ...toFrames(samples), ...roomFrames(16)];
}

function toFrames(samples: Int16Array): AudioFrame[] {
  const frames: AudioFrame[] = [];
  for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
    frames.push(samples.slice(at, at + FRAME_SAMPLES));
  }
  return frames;
}

/** Faint deterministic noise, ±8 of 32768. */
export function roomFrames(count: number): AudioFrame[] {
  return Array.from({ length: count }, (_, n) =>
    Int16Array.from({ length: FRAME_SAMPLES }, (_, i) => ((i * 7919 + n * 104_729) % 17) - 8),
  );
}

/** A loud 440 Hz tone. */
export function tone(lengthMs: number): WavAudio {
  const samples = Int16Array.from({ length: (lengthMs / 1000) * SAMPLE_RATE_HZ }, (_, i) =>
    Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / SAMPLE_RATE_HZ)),
  );
  return { samples, sampleRateHz: SAMPLE_RATE_HZ };
}
