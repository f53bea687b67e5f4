import { type FrameLevel, frameLevel } from "./audio-level.ts";
import { type AudioFrame, FRAME_MS, FRAME_SAMPLES } from "./ports.ts";

/** silent: nothing but zeros; clipped: overdriven; wrong_rate: the device runs at another rate than 16 kHz. */
export type MicrophoneCondition = "ok" | "silent" | "clipped" | "wrong_rate";

/** Digital silence this long is a muted or dead input; a room is never all zeros. */
const SILENT_AFTER_MS = 3_000;
/** Share of full-scale samples over a window that makes speech unintelligible to a recogniser. */
const CLIPPED_SHARE = 0.01;
const WINDOW_MS = 2_000;
/** Rate is judged over this much audio, so that the bursts of a sound card do not matter. */
const RATE_WINDOW_MS = 10_000;
/**
 * A 44.1 or 48 kHz device taken for 16 kHz is 2.8 or 3 times too fast, an 8 kHz one half as fast. A little too slow is
 * not a rate: it is a board too busy to fetch its audio, and one too slow window is one that was held up for seconds.
 * What it then catches up on comes too fast, but never makes more audio than time since the capture began.
 */
const MAX_SPEED_RATIO = 1.1;
const MIN_SPEED_RATIO = 0.6;

export interface MicrophoneHealth {
  readonly condition: MicrophoneCondition;
  readonly zeroMs: number;
  readonly windowMs: number;
  readonly clippedSamples: number;
  readonly rate: { readonly sinceMs: number; readonly audioMs: number } | null;
  /** Since the first frame. */
  readonly total: { readonly sinceMs: number; readonly audioMs: number } | null;
  readonly wasSlow: boolean;
  readonly isRateWrong: boolean;
}

export const INITIAL_HEALTH: MicrophoneHealth = {
  condition: "ok",
  zeroMs: 0,
  windowMs: 0,
  clippedSamples: 0,
  rate: null,
  total: null,
  wasSlow: false,
  isRateWrong: false,
};

/**
 * Judges one more frame.
 *
 * @param nowMs monotonic time of its arrival, ms.
 * @param speed how many times faster than real time this microphone runs; 1 except for the virtual one.
 */
export function microphoneHealth(
  health: MicrophoneHealth,
  frame: AudioFrame,
  nowMs: number,
  speed = 1,
  level: FrameLevel = frameLevel(frame),
): MicrophoneHealth {
  const zeroMs = level.peak === 0 ? health.zeroMs + FRAME_MS : 0;
  const clippedSamples = health.clippedSamples + level.clippedSamples;
  const windowMs = health.windowMs + FRAME_MS;
  const isWindowFull = windowMs >= WINDOW_MS;
  const wasClipped = health.condition === "clipped";
  const rate = judgeRate(health, nowMs, speed);
  const isClipped = isWindowFull
    ? clippedSamples / ((windowMs / FRAME_MS) * FRAME_SAMPLES) >= CLIPPED_SHARE
    : wasClipped;
  return {
    condition: rate.isRateWrong ? "wrong_rate" : zeroMs >= SILENT_AFTER_MS ? "silent" : isClipped ? "clipped" : "ok",
    zeroMs,
    windowMs: isWindowFull ? 0 : windowMs,
    clippedSamples: isWindowFull ? 0 : clippedSamples,
    ...rate,
  };
}

function judgeRate(
  health: MicrophoneHealth,
  nowMs: number,
  speed: number,
): Pick<MicrophoneHealth, "rate" | "total" | "wasSlow" | "isRateWrong"> {
  const { rate, total, wasSlow, isRateWrong } = health;
  const fresh = { sinceMs: nowMs, audioMs: 0 };
  if (rate === null || total === null) return { rate: fresh, total: fresh, wasSlow, isRateWrong };
  const audioMs = rate.audioMs + FRAME_MS;
  const sum = { ...total, audioMs: total.audioMs + FRAME_MS };
  if (audioMs < RATE_WINDOW_MS) return { rate: { ...rate, audioMs }, total: sum, wasSlow, isRateWrong };
  const ratio = audioMs / Math.max(1, (nowMs - rate.sinceMs) * speed);
  const isFast = ratio > MAX_SPEED_RATIO && sum.audioMs > (nowMs - sum.sinceMs) * speed * MAX_SPEED_RATIO;
  const isSlow = ratio < MIN_SPEED_RATIO;
  return { rate: fresh, total: sum, wasSlow: isSlow, isRateWrong: isFast || (isSlow && wasSlow) };
}
