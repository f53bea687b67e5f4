import { open } from "node:fs/promises";
import { basename } from "node:path";
import { AppError, isAppError, systemErrorCode } from "../core/errors.ts";
import type { AudioFrame, SpeakerRecogniser, VoiceSample } from "./ports.ts";
import { SpeechWorker } from "./speech-worker-client.ts";

/** Leaves cores to the recogniser, which decodes the same audio. */
const THREADS = 1;
/** Every ONNX file is a protobuf that begins with field 1, ir_version, as a varint. */
const ONNX_FIRST_BYTE = 0x08;

/** Voice prints by a speaker embedding model of sherpa-onnx, in a process of its own: a bad model ends that one only. */
export class SherpaSpeakerRecogniser implements SpeakerRecogniser {
  readonly model: string;
  readonly #worker: SpeechWorker;
  #current: WorkerVoiceSample | null = null;

  private constructor(model: string, worker: SpeechWorker) {
    this.model = model;
    this.#worker = worker;
  }

  /**
   * @param modelPath an ONNX file of https://github.com/k2-fsa/sherpa-onnx/releases/tag/speaker-recongition-models
   * @throws AppError E_SPEAKER_MODEL: no such file, not ONNX, or not one that sherpa-onnx can load.
   */
  static async open(modelPath: string): Promise<SherpaSpeakerRecogniser> {
    await checkOnnx(modelPath);
    const worker = new SpeechWorker("process");
    try {
      await worker.call("open_speaker", { modelPath, threads: THREADS });
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      if (!isAppError(error, "E_HEARING_WORKER")) throw error;
      throw new AppError("E_SPEAKER_MODEL", "sherpa-onnx ended while it loaded the speaker model", { cause: error });
    }
    return new SherpaSpeakerRecogniser(basename(modelPath), worker);
  }

  begin(): VoiceSample {
    this.#current?.cancel();
    this.#current = new WorkerVoiceSample(this.#worker);
    return this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#current?.cancel();
    await this.#worker[Symbol.asyncDispose]();
  }
}

class WorkerVoiceSample implements VoiceSample {
  readonly #worker: SpeechWorker;
  #isOpen = true;

  constructor(worker: SpeechWorker) {
    this.#worker = worker;
    worker.post("speaker_begin", null);
  }

  accept(frame: AudioFrame): void {
    if (this.#isOpen) this.#worker.post("speaker_frame", frame);
  }

  async finish(): Promise<Float32Array | null> {
    if (!this.#isOpen) throw new AppError("E_ABORTED", "the voice sample is over");
    this.#isOpen = false;
    return await this.#worker.call("speaker_finish", null);
  }

  cancel(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#worker.post("speaker_cancel", null);
  }
}

async function checkOnnx(path: string): Promise<void> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
      if (bytesRead === 1 && buffer[0] === ONNX_FIRST_BYTE) return;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new AppError("E_SPEAKER_MODEL", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  throw new AppError("E_SPEAKER_MODEL", `${path} is not an ONNX file`);
}
