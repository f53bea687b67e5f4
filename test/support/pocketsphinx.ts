import { existsSync } from "node:fs";
import { HOME_MODEL_DIR, pocketsphinxFiles, SYSTEM_MODEL_DIR } from "../../src/sensors/hearing.ts";
import { openPocketsphinx } from "../../src/sensors/pocketsphinx-speech-to-text.ts";
import type { SpeechToText } from "../../src/sensors/ports.ts";
import { SpeechWorker } from "../../src/sensors/speech-worker-client.ts";

/** What the machine lacks for the default recogniser, or null. */
export function lacksPocketsphinx(): string | null {
  if (!existsSync(`${SYSTEM_MODEL_DIR}/en-us/mdef`)) return "pocketsphinx-en-us not installed";
  return existsSync(`${HOME_MODEL_DIR}/home.lm.bin`) ? null : "build/home-lm not built (sh deploy/bootstrap.sh)";
}

/** The default recogniser with a worker of its own, which is disposed of with it. */
export async function openHomeRecogniser(): Promise<SpeechToText> {
  const worker = new SpeechWorker("thread");
  try {
    const stt = await openPocketsphinx(worker, pocketsphinxFiles(""));
    return {
      name: stt.name,
      begin: () => stt.begin(),
      [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
    };
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  }
}
