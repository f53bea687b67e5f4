import type { SpeechWorker } from "./speech-worker-client.ts";
import type { PocketsphinxOptions } from "./speech-worker-protocol.ts";
import { WorkerSpeechToText } from "./worker-speech-to-text.ts";

/**
 * Opens the default recogniser: pocketsphinx, decoding while the user speaks.
 * @throws AppError E_STT_UNAVAILABLE (library or a model file missing), E_HEARING_WORKER.
 */
export async function openPocketsphinx(
  worker: SpeechWorker,
  options: PocketsphinxOptions,
): Promise<WorkerSpeechToText> {
  await worker.call("open_pocketsphinx", options);
  return new WorkerSpeechToText("pocketsphinx", worker);
}
