import { frameLevel } from "../../src/sensors/audio-level.ts";
import type { AudioFrame, VoiceActivityDetector } from "../../src/sensors/ports.ts";

/** Calls everything louder than -46 dBFS speech; for tests with a fake clock, where no worker may be waited for. */
export class LoudnessVad implements VoiceActivityDetector {
  resets = 0;

  async isSpeech(frame: AudioFrame): Promise<boolean> {
    return frameLevel(frame).rms > 160;
  }

  reset(): void {
    this.resets++;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
