import type { AudioOutput, PcmAudio, TextToSpeech } from "../ports.ts";

/** tts.engine none: answers are text only. Has nothing to say about anything, so that nothing is played. */
export class SilentTextToSpeech implements TextToSpeech {
  readonly name = "none";

  async synthesize(): Promise<PcmAudio> {
    return { samples: new Int16Array(0), sampleRateHz: 16_000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** output.kind none: speech is made and dropped at once. */
export class SilentOutput implements AudioOutput {
  readonly name = "none";

  async play(_audio: PcmAudio, signal: AbortSignal): Promise<"played" | "stopped"> {
    return signal.aborted ? "stopped" : "played";
  }

  async endUtterance(): Promise<null> {
    return null;
  }
}
