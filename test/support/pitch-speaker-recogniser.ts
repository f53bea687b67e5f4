import { AppError } from "../../src/core/errors.ts";
import type { AudioFrame, SpeakerRecogniser, VoiceSample } from "../../src/sensors/ports.ts";

const BANDS = 16;

/** A fake that tells voices by how often their signal changes its sign. Passes the port's contract. */
export class PitchSpeakerRecogniser implements SpeakerRecogniser {
  readonly model = "pitch";
  /** Samples begun. */
  begun = 0;

  begin(): VoiceSample {
    this.begun += 1;
    const bands = new Float32Array(BANDS);
    let isOver = false;
    return {
      accept: (frame: AudioFrame) => {
        const crossings = frame.reduce((sum, value, i) => sum + (value >= 0 !== (frame[i - 1] ?? 0) >= 0 ? 1 : 0), 0);
        bands[Math.min(BANDS - 1, Math.floor(crossings / 2))] = 1;
      },
      finish: async () => {
        if (isOver) throw new AppError("E_ABORTED", "the voice sample is over");
        isOver = true;
        const length = Math.hypot(...bands);
        return length === 0 ? null : bands.map((value) => value / length);
      },
      cancel: () => {
        isOver = true;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
