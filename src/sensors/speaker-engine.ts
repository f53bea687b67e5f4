import { AppError, toAppError } from "../core/errors.ts";
import { type AudioFrame, SAMPLE_RATE_HZ } from "./ports.ts";
import type { SpeakerOptions } from "./speech-worker-protocol.ts";

type Sherpa = typeof import("sherpa-onnx-node");
type Extractor = InstanceType<Sherpa["SpeakerEmbeddingExtractor"]>;

/** Speaker embeddings of sherpa-onnx inside the speech worker; computes on the calling thread. */
export class SpeakerEngine {
  readonly #extractor: Extractor;
  #frames: AudioFrame[] = [];

  private constructor(extractor: Extractor) {
    this.#extractor = extractor;
  }

  /** @throws AppError E_SPEAKER_MODEL when sherpa-onnx refuses the file (a broken one ends the process instead). */
  static async open({ modelPath, threads }: SpeakerOptions): Promise<SpeakerEngine> {
    try {
      const { default: sherpa } = await import("sherpa-onnx-node");
      const config = { model: modelPath, numThreads: threads, provider: "cpu", debug: false };
      return new SpeakerEngine(new sherpa.SpeakerEmbeddingExtractor(config));
    } catch (error) {
      throw toAppError(error, "E_SPEAKER_MODEL", "sherpa-onnx cannot load the speaker model");
    }
  }

  begin(): void {
    this.#frames = [];
  }

  accept(frame: AudioFrame): void {
    this.#frames.push(frame);
  }

  /** The voice print of what was heard, of length 1; null when it was too short for the model. */
  finish(): Float32Array | null {
    const frames = this.#frames;
    this.#frames = [];
    const stream = this.#extractor.createStream();
    const samples = new Float32Array(frames.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of frames) for (const sample of frame) samples[at++] = sample / 32768;
    stream.acceptWaveform({ samples, sampleRate: SAMPLE_RATE_HZ });
    stream.inputFinished();
    if (!this.#extractor.isReady(stream)) return null;
    return unitVector(this.#extractor.compute(stream, false));
  }

  cancel(): void {
    this.#frames = [];
  }
}

/** @throws AppError E_STT_FAILED for a vector without a direction. */
function unitVector(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  if (!(length > 0)) throw new AppError("E_STT_FAILED", "the speaker model gave no voice print");
  return vector.map((value) => value / length);
}
