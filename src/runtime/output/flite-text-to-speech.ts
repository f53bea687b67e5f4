import { AppError } from "../../core/errors.ts";
import { decodeWav } from "../../core/wav.ts";
import type { PcmAudio, TextToSpeech } from "../ports.ts";
import { type ChildOutcome, runChild } from "./child-run.ts";
import { openNamelessFile, readWholeFile } from "./nameless-file.ts";
import { asciiText, speakableText } from "./speakable-text.ts";

/** Rate of the audio that stands for a text without anything to say. */
const EMPTY_RATE_HZ = 16_000;

export interface FliteOptions {
  /** Built-in voice, one of `flite -lv`: slt, rms, awb, awb_time, kal16, kal. */
  readonly voice: string;
  /** Folder for nameless files with text and audio; should be in memory. */
  readonly runtimeDir: string;
  /** Default `flite`, found on the PATH. */
  readonly command?: string;
}

/**
 * The default voice: one flite process per sentence (17-30 ms for a few words on x86). flite wants a path to read, and
 * seeks in what it writes, so both are nameless files handed over as descriptors.
 */
export class FliteTextToSpeech implements TextToSpeech {
  readonly name: string;
  readonly #options: Required<FliteOptions>;
  #isVoiceChecked = false;

  constructor(options: FliteOptions) {
    this.#options = { command: "flite", ...options };
    this.name = `flite ${options.voice}`;
  }

  async synthesize(text: string, signal: AbortSignal): Promise<PcmAudio> {
    const speech = asciiText(speakableText(text));
    if (!/[a-z0-9]/i.test(speech)) return { samples: new Int16Array(0), sampleRateHz: EMPTY_RATE_HZ };
    await this.#checkVoice(signal);
    await using input = await openNamelessFile(this.#options.runtimeDir);
    await using output = await openNamelessFile(this.#options.runtimeDir);
    await input.write(speech);
    const outcome = await runChild({
      command: this.#options.command,
      args: ["-voice", this.#options.voice, "-f", "/proc/self/fd/3", "-o", "/proc/self/fd/4"],
      input: null,
      descriptors: [input.fd, output.fd],
      signal,
    });
    if (outcome.kind !== "exited" || outcome.exitCode !== 0) throw this.#failure(outcome);
    return decodeWav(await readWholeFile(output), "speech of flite");
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** flite takes another voice without a word when it does not know the one asked for. */
  async #checkVoice(signal: AbortSignal): Promise<void> {
    if (this.#isVoiceChecked) return;
    const outcome = await runChild({ command: this.#options.command, args: ["-lv"], input: null, signal });
    if (outcome.kind !== "exited") throw this.#failure(outcome);
    const voices = outcome.stdout.toString("utf8").replace(/^.*:/, "").trim().split(/\s+/);
    if (!voices.includes(this.#options.voice)) {
      throw new AppError("E_TTS_UNAVAILABLE", `flite has no voice ${this.#options.voice}`, {
        hint: `Set tts.voice to one of: ${[...new Set(voices)].join(", ")}.`,
      });
    }
    this.#isVoiceChecked = true;
  }

  #failure(outcome: ChildOutcome): AppError {
    if (outcome.kind === "not_found") {
      return new AppError("E_TTS_UNAVAILABLE", `${this.#options.command} was not found`, { hint: "apt install flite" });
    }
    const how = outcome.kind === "killed" ? `was killed by ${outcome.signalName}` : `ended with ${outcome.exitCode}`;
    return new AppError("E_TTS_FAILED", `flite ${how}`);
  }
}
