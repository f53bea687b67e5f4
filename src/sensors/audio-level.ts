import type { AudioFrame } from "./ports.ts";

/** Full scale of 16-bit audio. */
const FULL_SCALE = 32_768;

export interface FrameLevel {
  /** Root mean square, 0..32768. */
  readonly rms: number;
  /** Largest magnitude, 0..32768. */
  readonly peak: number;
  /** Samples at either end of the range. */
  readonly clippedSamples: number;
}

/** Loudness of one frame, in sample units. */
export function frameLevel(frame: AudioFrame): FrameLevel {
  let sum = 0;
  let peak = 0;
  let clippedSamples = 0;
  for (const sample of frame) {
    const magnitude = Math.abs(sample);
    sum += magnitude * magnitude;
    if (magnitude > peak) peak = magnitude;
    if (magnitude >= FULL_SCALE - 1) clippedSamples++;
  }
  return { rms: frame.length === 0 ? 0 : Math.sqrt(sum / frame.length), peak, clippedSamples };
}
