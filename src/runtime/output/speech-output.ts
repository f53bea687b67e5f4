import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { AudioOutput, TextToSpeech } from "../ports.ts";
import { AplayOutput } from "./aplay-output.ts";
import { EspeakTextToSpeech } from "./espeak-text-to-speech.ts";
import { FliteTextToSpeech } from "./flite-text-to-speech.ts";
import { SherpaTextToSpeech } from "./sherpa-text-to-speech.ts";
import { SilentOutput, SilentTextToSpeech } from "./silent-parts.ts";
import { Speaker } from "./speaker.ts";
import { WavOutput } from "./wav-output.ts";
import { WyomingTextToSpeech } from "./wyoming-text-to-speech.ts";

/** flite's voices: the default of `tts.voice` is one, which no other engine knows. */
const FLITE_VOICES = new Set(["slt", "rms", "awb", "awb_time", "kal", "kal16"]);
const ESPEAK_VOICE = "en-us";

/** The part of the configuration that speech needs; docs/configuration.md says what each key means. */
export interface SpeechOutputConfig {
  readonly tts: {
    readonly engine: "flite" | "espeak" | "wyoming" | "sherpa" | "none";
    readonly voice: string;
    readonly modelDir: string;
    readonly uri: string;
  };
  readonly output: {
    readonly kind: "aplay" | "wav" | "none";
    readonly device: string;
    readonly wavDir: string;
  };
  readonly paths: { readonly stateDir: string; readonly runtimeDir: string };
  readonly virtual: { readonly speed: number };
}

export interface SpeechOutputDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the dialog speaks with, and its parts' names for `doctor`. Starts with the first sentence, ends with `stop`. */
export interface SpeechOutput extends Service {
  readonly speaker: Speaker;
  readonly voice: TextToSpeech;
  readonly output: AudioOutput;
}

/** Voice, output and speaker as configured. Nothing is started or checked: what is missing shows at the first sentence. */
export function createSpeechOutput(config: SpeechOutputConfig, { clock, log }: SpeechOutputDeps): SpeechOutput {
  const voice = createVoice(config, clock);
  const output = createOutput(config, clock);
  const speaker = new Speaker({ voice, output, clock });
  log.debug({ voice: voice.name, output: output.name }, "speech output chosen");
  return {
    speaker,
    voice,
    output,
    name: "speech",
    start: async () => {},
    stop: async () => {
      await speaker.stop();
      await voice[Symbol.asyncDispose]();
    },
  };
}

function createVoice({ tts, paths }: SpeechOutputConfig, clock: Clock): TextToSpeech {
  const foreignVoice = FLITE_VOICES.has(tts.voice) ? "" : tts.voice;
  switch (tts.engine) {
    case "flite":
      return new FliteTextToSpeech({ voice: tts.voice || "slt", runtimeDir: paths.runtimeDir });
    case "espeak":
      return new EspeakTextToSpeech({ voice: foreignVoice || ESPEAK_VOICE });
    case "wyoming":
      return new WyomingTextToSpeech({ uri: tts.uri, voice: foreignVoice, clock });
    case "sherpa":
      return new SherpaTextToSpeech({ modelDir: tts.modelDir, voice: tts.voice, clock });
    case "none":
      return new SilentTextToSpeech();
  }
}

function createOutput({ output, paths, virtual }: SpeechOutputConfig, clock: Clock): AudioOutput {
  switch (output.kind) {
    case "aplay":
      return new AplayOutput({ device: output.device, clock });
    case "wav":
      return new WavOutput({ folder: output.wavDir || join(paths.stateDir, "spoken"), clock, speed: virtual.speed });
    case "none":
      return new SilentOutput();
  }
}
