import { AppError, isAppError } from "../core/errors.ts";
import { detectSherpaModel } from "./sherpa-model-folder.ts";
import type { SpeechWorker } from "./speech-worker-client.ts";
import { WorkerSpeechToText } from "./worker-speech-to-text.ts";

export interface SherpaSpeechOptions {
  /** An unpacked sherpa-onnx model. */
  readonly modelDir: string;
  readonly threads: number;
}

/**
 * Opens the owner's sherpa-onnx model.
 *
 * @param worker must be isolated in a process: sherpa-onnx ends its process on a model it cannot parse.
 * @throws AppError E_STT_MODEL (unknown layout, refused by sherpa-onnx).
 */
export async function openSherpa(worker: SpeechWorker, options: SherpaSpeechOptions): Promise<WorkerSpeechToText> {
  const model = await detectSherpaModel(options.modelDir, options.threads);
  try {
    await worker.call("open_sherpa", model.options);
  } catch (error) {
    if (!isAppError(error, "E_HEARING_WORKER")) throw error;
    throw new AppError("E_STT_MODEL", `sherpa-onnx ended while it loaded the ${model.kind} model`, { cause: error });
  }
  return new WorkerSpeechToText(`sherpa-onnx ${model.kind}`, worker);
}
