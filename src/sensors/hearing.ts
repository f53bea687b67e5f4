import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../core/built-file.ts";
import type { Clock } from "../core/clock.ts";
import { type AppError, toAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { DEFAULT_ENDPOINT_POLICY } from "./endpointer.ts";
import type { HearingEngines } from "./hearing-engines.ts";
import { Listener } from "./listener.ts";
import { openPocketsphinx } from "./pocketsphinx-speech-to-text.ts";
import { PocketsphinxWake } from "./pocketsphinx-wake.ts";
import type { Microphone, SpeechToText } from "./ports.ts";
import { SherpaSpeakerRecogniser } from "./sherpa-speaker-recogniser.ts";
import { openSherpa } from "./sherpa-speech-to-text.ts";
import { SileroVad } from "./silero-vad.ts";
import { SpeechWorker } from "./speech-worker-client.ts";
import type { PocketsphinxOptions } from "./speech-worker-protocol.ts";
import { VoiceNotingSpeechToText } from "./voice-noting-speech-to-text.ts";
import { parseWyomingUri, WyomingSpeechToText } from "./wyoming-speech-to-text.ts";

/** Debian's pocketsphinx-en-us: folder `en-us`, cmudict-en-us.dict, en-us.lm.bin. */
export const SYSTEM_MODEL_DIR = "/usr/share/pocketsphinx/model/en-us";
/** Where bootstrap puts the home language model and its dictionary. */
export const HOME_MODEL_DIR = `${packageRoot}build/home-lm`;

/** Leaves cores to the language model, which answers at the same time. */
const SHERPA_THREADS = 2;

/**
 * When memory that only starting needed is given back: the rest of the service frees some more after the engines are open.
 */
const SETTLE_AFTER_MS = 5_000;

/** Slices of the configuration that hearing needs. */
export interface HearingConfig {
  readonly vad: {
    readonly threshold: number;
    readonly trailingSilenceMs: number;
    readonly noSpeechMs: number;
    readonly maxUtteranceMs: number;
    readonly preRollMs: number;
    readonly releaseAfterS: number;
  };
  readonly wake: { readonly phraseEnabled: boolean; readonly phrase: string; readonly threshold: number };
  readonly speaker: {
    /** A speaker embedding model of sherpa-onnx; empty = voices are not told apart. */
    readonly model: string;
  };
  readonly stt: {
    readonly engine: "pocketsphinx" | "sherpa" | "wyoming";
    /** pocketsphinx: a folder like {@link SYSTEM_MODEL_DIR}; empty = that folder with our home model. */
    readonly modelDir: string;
    /** Wyoming server, tcp://host:port. */
    readonly uri: string;
  };
}

export interface HearingDeps {
  readonly microphone: Microphone;
  /** 1 except for a virtual microphone that runs faster than real time. */
  readonly microphoneSpeed: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether voice prints are to be computed; default never. */
  readonly isVoiceWanted?: () => boolean;
}

/** The listener with the engines the configuration names. Nothing is opened before `start`. */
export function createHearing(config: HearingConfig, deps: HearingDeps): Listener {
  return new Listener({
    ...deps,
    preRollMs: config.vad.preRollMs,
    policy: {
      startFrames: DEFAULT_ENDPOINT_POLICY.startFrames,
      trailingSilenceMs: config.vad.trailingSilenceMs,
      noSpeechTimeoutMs: config.vad.noSpeechMs,
      maxUtteranceMs: config.vad.maxUtteranceMs,
    },
    openEngines: () => openHearingEngines(config, deps.clock, deps.isVoiceWanted),
  });
}

/**
 * Opens detector, wake phrase and recogniser. A wake phrase that cannot be used is reported in the result; the button
 * still works then.
 *
 * @throws AppError E_VAD_UNAVAILABLE, E_STT_UNAVAILABLE, E_STT_MODEL, E_HEARING_WORKER.
 */
export async function openHearingEngines(
  config: HearingConfig,
  clock: Clock,
  isVoiceWanted: () => boolean = () => false,
): Promise<HearingEngines> {
  const owned: AsyncDisposable[] = [];
  try {
    return await openAll(config, clock, owned, isVoiceWanted);
  } catch (error) {
    await disposeAll(owned);
    throw error;
  }
}

async function openAll(
  config: HearingConfig,
  clock: Clock,
  owned: AsyncDisposable[],
  isVoiceWanted: () => boolean,
): Promise<HearingEngines> {
  // wake and pocketsphinx share a thread: together they use a fraction of one core
  const thread = new SpeechWorker("thread");
  owned.push(thread);
  const vad = new SileroVad(
    {
      modelPath: `${packageRoot}models/silero_vad_v5.onnx`,
      threshold: config.vad.threshold,
      releaseAfterMs: config.vad.releaseAfterS * 1000,
    },
    clock,
  );
  owned.push(vad);
  await vad.check();
  const words = await openStt(config.stt, thread, owned, clock);
  const { stt, speakerFailure } = await noteVoices(words, config.speaker.model, owned, isVoiceWanted);
  let wake: PocketsphinxWake | null = null;
  let wakeFailure: AppError | null = null;
  if (config.wake.phraseEnabled) {
    try {
      wake = await PocketsphinxWake.open(thread, {
        phrase: config.wake.phrase,
        threshold: config.wake.threshold,
        acousticModelDir: join(SYSTEM_MODEL_DIR, "en-us"),
        dictionaryPath: join(SYSTEM_MODEL_DIR, "cmudict-en-us.dict"),
      });
    } catch (error) {
      wakeFailure = toAppError(error, "E_WAKE_PHRASE", "the wake phrase cannot be used");
    }
  }
  if (wake !== null || config.stt.engine === "pocketsphinx") {
    const cancelSettling = clock.after(SETTLE_AFTER_MS, () => thread.post("settle", null));
    owned.push({ [Symbol.asyncDispose]: async () => cancelSettling() });
  }
  return { vad, wake, wakeFailure, stt, speakerFailure, [Symbol.asyncDispose]: () => disposeAll(owned) };
}

/** The recogniser as it is, or with the owner's speaker model behind it; without that, words are heard all the same. */
async function noteVoices(
  words: SpeechToText,
  model: string,
  owned: AsyncDisposable[],
  isVoiceWanted: () => boolean,
): Promise<Pick<HearingEngines, "stt" | "speakerFailure">> {
  if (model === "") return { stt: words, speakerFailure: null };
  try {
    const speaker = await SherpaSpeakerRecogniser.open(model);
    owned.push(speaker);
    return { stt: new VoiceNotingSpeechToText(words, speaker, isVoiceWanted), speakerFailure: null };
  } catch (error) {
    return { stt: words, speakerFailure: toAppError(error, "E_SPEAKER_MODEL", "voices cannot be told apart") };
  }
}

async function openStt(
  config: HearingConfig["stt"],
  thread: SpeechWorker,
  owned: AsyncDisposable[],
  clock: Clock,
): Promise<SpeechToText> {
  switch (config.engine) {
    case "pocketsphinx":
      return await openPocketsphinx(thread, pocketsphinxFiles(config.modelDir));
    case "sherpa": {
      const child = new SpeechWorker("process");
      owned.push(child);
      return await openSherpa(child, { modelDir: config.modelDir, threads: SHERPA_THREADS });
    }
    case "wyoming": {
      const server = new WyomingSpeechToText({ ...parseWyomingUri(config.uri), clock });
      owned.push(server);
      return server;
    }
  }
}

async function disposeAll(owned: readonly AsyncDisposable[]): Promise<void> {
  for (const part of owned) await part[Symbol.asyncDispose]();
}

/**
 * The files of a pocketsphinx model folder; without one Debian's, with the home language model once it is built and
 * Debian's general one for a second look at what that does not cover.
 */
export function pocketsphinxFiles(modelDir: string): PocketsphinxOptions {
  const root = modelDir === "" ? SYSTEM_MODEL_DIR : modelDir;
  const general = {
    acousticModelDir: join(root, "en-us"),
    dictionaryPath: join(root, "cmudict-en-us.dict"),
    languageModelPath: join(root, "en-us.lm.bin"),
    openTalk: null,
  };
  const home = {
    acousticModelDir: general.acousticModelDir,
    dictionaryPath: join(HOME_MODEL_DIR, "home.dict"),
    languageModelPath: join(HOME_MODEL_DIR, "home.lm.bin"),
    openTalk: { dictionaryPath: general.dictionaryPath, languageModelPath: general.languageModelPath },
  };
  return modelDir === "" && existsSync(home.languageModelPath) && existsSync(home.dictionaryPath) ? home : general;
}
