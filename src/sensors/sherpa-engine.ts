import { AppError, toAppError } from "../core/errors.ts";
import { type AudioFrame, SAMPLE_RATE_HZ, type Transcript } from "./ports.ts";
import type { SherpaOptions } from "./speech-worker-protocol.ts";
import type { SttEngine } from "./stt-engine.ts";

type Sherpa = typeof import("sherpa-onnx-node");
type OfflineRecognizer = InstanceType<Sherpa["OfflineRecognizer"]>;
type OnlineRecognizer = InstanceType<Sherpa["OnlineRecognizer"]>;

/** Log-mel bands of every model family that sherpa-onnx's config leaves to the caller. */
const FEATURE_BANDS = 80;

/** Opens the model the options name. @throws AppError E_STT_MODEL when sherpa-onnx refuses it. */
export async function openSherpaEngine(options: SherpaOptions): Promise<SttEngine> {
  const config = {
    featConfig: { sampleRate: SAMPLE_RATE_HZ, featureDim: FEATURE_BANDS },
    modelConfig: options.modelConfig,
    decodingMethod: "greedy_search",
  };
  try {
    const { default: sherpa } = await import("sherpa-onnx-node");
    return options.streaming
      ? new StreamingEngine(new sherpa.OnlineRecognizer(config))
      : new WholeUtteranceEngine(new sherpa.OfflineRecognizer(config));
  } catch (error) {
    throw toAppError(error, "E_STT_MODEL", "sherpa-onnx cannot load the speech-to-text model");
  }
}

/** Whisper, SenseVoice, Paraformer and offline transducers: everything is decoded in `finish`. */
class WholeUtteranceEngine implements SttEngine {
  readonly #recognizer: OfflineRecognizer;
  #stream: ReturnType<OfflineRecognizer["createStream"]> | null = null;
  #frames: AudioFrame[] = [];

  constructor(recognizer: OfflineRecognizer) {
    this.#recognizer = recognizer;
  }

  begin(): void {
    this.#stream = this.#recognizer.createStream();
    this.#frames = [];
  }

  accept(frame: AudioFrame): void {
    this.#frames.push(frame);
  }

  finish(): Transcript {
    const stream = this.#stream;
    if (stream === null) throw new AppError("E_STT_FAILED", "no utterance was begun");
    // one call: an offline stream computes its features from the waveform it is given at once
    stream.acceptWaveform({ samples: toFloats(this.#frames), sampleRate: SAMPLE_RATE_HZ });
    this.#recognizer.decode(stream);
    const { text } = this.#recognizer.getResult(stream);
    this.cancel();
    return { text: plainWords(text), confidence: null };
  }

  cancel(): void {
    this.#stream = null;
    this.#frames = [];
  }

  close(): void {
    this.cancel();
  }
}

/** Streaming transducers, Paraformer and CTC: decoded while frames arrive. */
class StreamingEngine implements SttEngine {
  readonly #recognizer: OnlineRecognizer;
  #stream: ReturnType<OnlineRecognizer["createStream"]> | null = null;

  constructor(recognizer: OnlineRecognizer) {
    this.#recognizer = recognizer;
  }

  begin(): void {
    this.#stream = this.#recognizer.createStream();
  }

  accept(frame: AudioFrame): void {
    const stream = this.#stream;
    if (stream === null) return;
    stream.acceptWaveform({ samples: toFloats([frame]), sampleRate: SAMPLE_RATE_HZ });
    while (this.#recognizer.isReady(stream)) this.#recognizer.decode(stream);
  }

  finish(): Transcript {
    const stream = this.#stream;
    if (stream === null) throw new AppError("E_STT_FAILED", "no utterance was begun");
    // the last chunk of a streaming model needs some audio after the last word
    stream.acceptWaveform({ samples: new Float32Array(SAMPLE_RATE_HZ / 2), sampleRate: SAMPLE_RATE_HZ });
    stream.inputFinished();
    while (this.#recognizer.isReady(stream)) this.#recognizer.decode(stream);
    const { text } = this.#recognizer.getResult(stream);
    this.cancel();
    return { text: plainWords(text), confidence: null };
  }

  cancel(): void {
    this.#stream = null;
  }

  close(): void {
    this.cancel();
  }
}

function toFloats(frames: readonly AudioFrame[]): Float32Array {
  const samples = new Float32Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    for (const sample of frame) samples[at++] = sample / 32768;
  }
  return samples;
}

/** Lower case without the punctuation some models write; apostrophes stay. */
export function plainWords(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}'\s]/gu, " ")
    .trim()
    .replace(/\s+/g, " ");
}
