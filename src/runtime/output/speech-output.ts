import type { Clock } from "../../core/clock.ts";
import { type AppError, isAppError, toAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { AudioOutput, TextToSpeech } from "../ports.ts";
import { AplayOutput } from "./aplay-output.ts";
import { EspeakTextToSpeech } from "./espeak-text-to-speech.ts";
import { FliteTextToSpeech } from "./flite-text-to-speech.ts";
import { recordingsFolder } from "./recordings.ts";
import { SherpaTextToSpeech } from "./sherpa-text-to-speech.ts";
import { SilentOutput, SilentTextToSpeech } from "./silent-parts.ts";
import { Speaker } from "./speaker.ts";
import { WavOutput } from "./wav-output.ts";
import { WyomingTextToSpeech } from "./wyoming-text-to-speech.ts";

/** flite's voices: the default of `tts.voice` is one, which no other engine knows. */
const FLITE_VOICES = new Set(["slt", "rms", "awb", "awb_time", "kal", "kal16"]);
const ESPEAK_VOICE = "en-us";
/** Synthesised at start and never played: a neural voice loads for seconds, and a missing one should be known at once. */
const WARM_UP = "Ready.";

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
  /** The voice cannot speak, found at start: E_TTS_UNAVAILABLE, E_TTS_FAILED, ... */
  readonly onProblem?: (error: AppError) => void;
}

/** What the dialog speaks with, and its parts' names for `doctor`. `start` warms the voice up without waiting for it. */
export interface SpeechOutput extends Service {
  readonly speaker: Speaker;
  readonly voice: TextToSpeech;
  readonly output: AudioOutput;
}

/** Voice, output and speaker as configured. What is missing goes to `onProblem` and into each utterance's report. */
export function createSpeechOutput(config: SpeechOutputConfig, deps: SpeechOutputDeps): SpeechOutput {
  const { clock, log } = deps;
  const voice = createVoice(config, clock);
  const output = createOutput(config, clock);
  const speaker = new Speaker({ voice, output, clock });
  log.debug({ voice: voice.name, output: output.name }, "speech output chosen");
  const stopping = new AbortController();
  return {
    speaker,
    voice,
    output,
    name: "speech",
    start: async (signal) => {
      void warmUp(voice, AbortSignal.any([signal, stopping.signal]), deps);
    },
    stop: async () => {
      stopping.abort();
      await speaker.stop();
      await voice[Symbol.asyncDispose]();
    },
  };
}

async function warmUp(voice: TextToSpeech, signal: AbortSignal, { log, onProblem }: SpeechOutputDeps): Promise<void> {
  try {
    await voice.synthesize(WARM_UP, signal);
    log.info({ voice: voice.name }, "the voice is ready");
  } catch (error) {
    if (isAppError(error, "E_ABORTED")) return;
    const problem = toAppError(error, "E_INTERNAL", "the voice failed");
    log.warn({ voice: voice.name, code: problem.code }, "the voice is not ready");
    onProblem?.(problem);
  }
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
      return new WavOutput({
        folder: recordingsFolder({ output, paths }) ?? output.wavDir,
        clock,
        speed: virtual.speed,
      });
    case "none":
      return new SilentOutput();
  }
}
