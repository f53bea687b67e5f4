import { AppError } from "../../core/errors.ts";
import { decodeWav } from "../../core/wav.ts";
import type { PcmAudio, TextToSpeech } from "../ports.ts";
import { type ChildOutcome, runChild } from "./child-run.ts";
import { speakableText } from "./speakable-text.ts";

/** espeak-ng's own rate, for a text without anything to say. */
const EMPTY_RATE_HZ = 22_050;

export interface EspeakOptions {
  /** Language or voice of `espeak-ng --voices`, e.g. en-us, de, en-gb+f3. */
  readonly voice: string;
  /** Default `espeak-ng`, found on the PATH. */
  readonly command?: string;
}

/** espeak-ng as a separate program (GPL-3): robotic, but small, quick and in over 100 languages. Text goes by stdin. */
export class EspeakTextToSpeech implements TextToSpeech {
  readonly name: string;
  readonly #voice: string;
  readonly #command: string;

  constructor(options: EspeakOptions) {
    this.#voice = options.voice;
    this.#command = options.command ?? "espeak-ng";
    this.name = `espeak-ng ${options.voice}`;
  }

  async synthesize(text: string, signal: AbortSignal): Promise<PcmAudio> {
    const speech = speakableText(text);
    if (speech === "") return { samples: new Int16Array(0), sampleRateHz: EMPTY_RATE_HZ };
    const outcome = await runChild({
      command: this.#command,
      args: ["-v", this.#voice, "-b", "1", "--stdin", "--stdout"],
      input: Buffer.from(speech, "utf8"),
      signal,
    });
    if (outcome.kind !== "exited" || outcome.exitCode !== 0) throw this.#failure(outcome);
    return decodeWav(outcome.stdout, "speech of espeak-ng");
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #failure(outcome: ChildOutcome): AppError {
    if (outcome.kind === "not_found") {
      return new AppError("E_TTS_UNAVAILABLE", `${this.#command} was not found`, { hint: "apt install espeak-ng" });
    }
    if (outcome.kind === "killed") return new AppError("E_TTS_FAILED", `espeak-ng was killed by ${outcome.signalName}`);
    if (outcome.diagnostics.includes("voice does not exist")) {
      return new AppError("E_TTS_UNAVAILABLE", `espeak-ng has no voice ${this.#voice}`, {
        hint: "Set tts.voice to a language of `espeak-ng --voices`, e.g. en-us.",
      });
    }
    return new AppError("E_TTS_FAILED", `espeak-ng ended with ${outcome.exitCode}`);
  }
}
