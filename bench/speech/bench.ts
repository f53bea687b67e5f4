import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeCorpus, readHomeGrammar } from "../../deploy/home-language-model/home-corpus.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { pocketsphinxFiles, SYSTEM_MODEL_DIR } from "../../src/sensors/hearing.ts";
import { openPocketsphinx } from "../../src/sensors/pocketsphinx-speech-to-text.ts";
import { PocketsphinxWake } from "../../src/sensors/pocketsphinx-wake.ts";
import { type AudioFrame, FRAME_SAMPLES, type SpeechToText } from "../../src/sensors/ports.ts";
import { SileroVad } from "../../src/sensors/silero-vad.ts";
import { SpeechWorker } from "../../src/sensors/speech-worker-client.ts";
import { type BenchContext, type Benchmark, type BenchResult, medianFigure } from "../report.ts";
import { behindPhrasePct } from "./behind-phrase.ts";
import { fliteClip } from "./flite-clip.ts";
import { comparedWords, wordErrors } from "./word-error.ts";

const VOICES = ["slt", "rms", "awb"];
const WAKE_PHRASE = "okay computer";
/** Frames of quiet room before and after a sentence, like pre-roll and trailing silence. */
const ROOM = { beforeSamples: 10 * FRAME_SAMPLES, afterFrames: 22 };

export const bench: Benchmark = {
  summary: "Word error rate, speed and wake phrase of the default recogniser on sentences spoken by flite",
  packages: ["koffi", "sherpa-onnx-node"],
  options: {
    model: { type: "string", default: "", doc: "pocketsphinx model folder; empty = the home language model" },
    misses: { type: "boolean", doc: "also print every sentence that was not understood exactly" },
  },
  run,
};

interface Clip {
  readonly set: "commands" | "questions";
  readonly voice: string;
  readonly sentence: string;
  readonly frames: readonly AudioFrame[];
}

interface Heard {
  readonly clip: Clip;
  readonly text: string;
  readonly errors: number;
  readonly rtf: number;
  readonly finishMs: number;
  readonly confidence: number;
}

async function run({ quick, options, log, signal }: BenchContext): Promise<BenchResult> {
  const clips = await speakClips(quick ? 3 : 1, signal);
  const worker = new SpeechWorker("thread");
  try {
    const modelDir = typeof options.model === "string" ? options.model : "";
    const stt = await openPocketsphinx(worker, pocketsphinxFiles(modelDir));
    const wake = await PocketsphinxWake.open(worker, {
      phrase: WAKE_PHRASE,
      threshold: 1e-20,
      acousticModelDir: `${SYSTEM_MODEL_DIR}/en-us`,
      dictionaryPath: `${SYSTEM_MODEL_DIR}/cmudict-en-us.dict`,
    });
    const heard: Heard[] = [];
    for (const clip of clips) {
      if (signal.aborted) break;
      heard.push(await hear(worker, stt, clip));
    }
    if (options.misses === true) {
      for (const { clip, text, errors, confidence } of heard) {
        if (errors > 0) log(`${clip.voice}  ${clip.sentence}  ->  ${text}  (${confidence.toFixed(4)})`);
      }
    }
    const { hitPct, falsePerClip } = await wakeFigures(wake, clips);
    await using vad = new SileroVad(
      { modelPath: `${packageRoot}models/silero_vad_v5.onnx`, threshold: 0.5, releaseAfterMs: 120_000 },
      new SystemClock(),
    );
    const engines = { vad, wake, wakeFailure: null, stt, speakerFailure: null, [Symbol.asyncDispose]: async () => {} };
    const behindPct = await behindPhrasePct(engines, WAKE_PHRASE, VOICES, signal);
    const commands = heard.filter(({ clip }) => clip.set === "commands");
    const questions = heard.filter(({ clip }) => clip.set === "questions");
    const corpus = new Set(
      homeCorpus(readHomeGrammar(`${packageRoot}deploy/home-language-model`)).map((w) => w.join(" ")),
    );
    return {
      figures: {
        wer_pct: { value: wordErrorPct(commands), unit: "%" },
        exact_pct: { value: exactPct(commands), unit: "%" },
        novel_exact_pct: { value: exactPct(commands.filter(({ clip }) => !corpus.has(clip.sentence))), unit: "%" },
        open_talk_wer_pct: { value: wordErrorPct(questions), unit: "%" },
        rtf: medianFigure(
          commands.map(({ rtf }) => rtf),
          "x real time",
        ),
        finish_ms: medianFigure(
          commands.map(({ finishMs }) => finishMs),
          "ms",
        ),
        wake_hit_pct: { value: hitPct, unit: "%" },
        wake_false_per_clip: { value: falsePerClip, unit: "" },
        behind_phrase_exact_pct: { value: behindPct, unit: "%" },
      },
      rows: VOICES.flatMap((voice) =>
        (["commands", "questions"] as const).map((set) => {
          const part = heard.filter(({ clip }) => clip.voice === voice && clip.set === set);
          return {
            voice,
            set,
            sentences: part.length,
            wer_pct: wordErrorPct(part),
            exact: part.filter(({ errors }) => errors === 0).length,
            median_confidence: median(part.map(({ confidence }) => confidence)),
          };
        }),
      ),
      conditions: {
        language_model: modelDir === "" ? "home" : modelDir,
        in_training_text: commands.filter(({ clip }) => corpus.has(clip.sentence)).length,
        commands: commands.length,
        wake_phrase: WAKE_PHRASE,
      },
    };
  } finally {
    await worker[Symbol.asyncDispose]();
  }
}

/** Every nth sentence in every voice, made by flite. */
async function speakClips(everyNth: number, signal: AbortSignal): Promise<Clip[]> {
  const folder = await mkdtemp(join(tmpdir(), "asls-bench-speech-"));
  try {
    const clips: Clip[] = [];
    for (const set of ["commands", "questions"] as const) {
      const sentences = readFileSync(`${packageRoot}bench/speech/${set}.txt`, "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .filter((_, i) => i % everyNth === 0);
      for (const voice of VOICES) {
        for (const sentence of sentences) {
          if (signal.aborted) return clips;
          clips.push({ set, voice, sentence, frames: await fliteClip(voice, sentence, folder, ROOM) });
        }
      }
    }
    return clips;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hear(worker: SpeechWorker, stt: SpeechToText, clip: Clip): Promise<Heard> {
  const startedMs = performance.now();
  const utterance = stt.begin();
  for (const frame of clip.frames) utterance.accept(frame);
  // calls are answered in order: when this one is, every frame has been decoded, as if they had come at their own pace
  await worker.call("wake_reset", null);
  const decodedMs = performance.now();
  const { text, confidence } = await utterance.finish();
  const endMs = performance.now();
  return {
    clip,
    text,
    errors: wordErrors(comparedWords(clip.sentence), comparedWords(text)),
    rtf: (endMs - startedMs) / (clip.frames.length * 32),
    finishMs: endMs - decodedMs,
    confidence: confidence ?? 0,
  };
}

async function wakeFigures(
  wake: PocketsphinxWake,
  clips: readonly Clip[],
): Promise<{ hitPct: number; falsePerClip: number }> {
  const count = async (frames: readonly AudioFrame[]): Promise<number> => {
    let hits = 0;
    for (const frame of frames) if ((await wake.accept(frame))?.event === "recognised") hits++;
    wake.reset();
    return hits;
  };
  const folder = await mkdtemp(join(tmpdir(), "asls-bench-wake-"));
  try {
    let found = 0;
    let asked = 0;
    for (const voice of VOICES) {
      for (const text of [WAKE_PHRASE, `${WAKE_PHRASE}, turn on the light`, `well, ${WAKE_PHRASE}, what time is it`]) {
        asked++;
        if ((await count(await fliteClip(voice, text, folder, ROOM))) > 0) found++;
      }
    }
    let wrong = 0;
    for (const clip of clips) wrong += await count(clip.frames);
    return { hitPct: (100 * found) / asked, falsePerClip: wrong / clips.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function wordErrorPct(heard: readonly Heard[]): number {
  const words = heard.reduce((sum, { clip }) => sum + comparedWords(clip.sentence).length, 0);
  return words === 0 ? 0 : (100 * heard.reduce((sum, { errors }) => sum + errors, 0)) / words;
}

function exactPct(heard: readonly Heard[]): number {
  return heard.length === 0 ? 0 : (100 * heard.filter(({ errors }) => errors === 0).length) / heard.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
