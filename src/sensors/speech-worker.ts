/**
 * Worker (thread or child process) that runs the native speech engines, so that none of them ever holds up the event
 * loop. Speaks
 * `speech-worker-protocol.ts`; requests are served strictly in order.
 */
import { parentPort } from "node:worker_threads";
import { AppError, toAppError } from "../core/errors.ts";
import { collectGarbage } from "../core/free-memory.ts";
import type { SpeakerEngine } from "./speaker-engine.ts";
import type { SpeechCallName, SpeechCalls, SpeechReply, SpeechRequest } from "./speech-worker-protocol.ts";
import type { SttEngine } from "./stt-engine.ts";
import type { SileroVadEngine } from "./vad-engine.ts";
import type { WakeEngine } from "./wake-engine.ts";

let vad: SileroVadEngine | null = null;
let wake: WakeEngine | null = null;
let stt: SttEngine | null = null;
let speaker: SpeakerEngine | null = null;
/** First failure of the running utterance; `stt_frame` has no reply to carry it. */
let sttFailure: AppError | null = null;

type Handlers = {
  readonly [K in SpeechCallName]: (
    args: SpeechCalls[K]["args"],
  ) => SpeechCalls[K]["result"] | Promise<SpeechCalls[K]["result"]>;
};

const handlers: Handlers = {
  open_vad: async (options) => {
    const { SileroVadEngine } = await import("./vad-engine.ts");
    vad = await SileroVadEngine.open(options);
    return null;
  },
  open_wake: async (options) => {
    const { WakeEngine } = await import("./wake-engine.ts");
    wake?.close();
    wake = await WakeEngine.open(options);
    return null;
  },
  open_pocketsphinx: async (options) => {
    const { PocketsphinxEngine } = await import("./pocketsphinx-engine.ts");
    stt?.close();
    stt = await PocketsphinxEngine.open(options);
    return null;
  },
  open_sherpa: async (options) => {
    const { openSherpaEngine } = await import("./sherpa-engine.ts");
    stt?.close();
    stt = await openSherpaEngine(options);
    return null;
  },
  settle: () => {
    collectGarbage();
    return null;
  },
  end: () => process.exit(0), // in a thread: of the thread
  vad_frame: (frame) => opened(vad).isSpeech(frame),
  vad_reset: () => {
    opened(vad).reset();
    return null;
  },
  wake_frame: (frame) => opened(wake).accept(frame),
  wake_reset: () => {
    opened(wake).reset();
    return null;
  },
  open_speaker: async (options) => {
    const { SpeakerEngine } = await import("./speaker-engine.ts");
    speaker = await SpeakerEngine.open(options);
    return null;
  },
  speaker_begin: () => {
    opened(speaker).begin();
    return null;
  },
  speaker_frame: (frame) => {
    opened(speaker).accept(frame);
    return null;
  },
  speaker_finish: () => opened(speaker).finish(),
  speaker_cancel: () => {
    opened(speaker).cancel();
    return null;
  },
  stt_begin: () => {
    sttFailure = null;
    guardStt((engine) => engine.begin());
    return null;
  },
  stt_frame: (frame) => {
    if (sttFailure === null) guardStt((engine) => engine.accept(frame));
    return null;
  },
  stt_finish: () => {
    if (sttFailure !== null) throw sttFailure;
    return opened(stt).finish();
  },
  stt_cancel: () => {
    opened(stt).cancel();
    return null;
  },
};

function guardStt(work: (engine: SttEngine) => void): void {
  try {
    work(opened(stt));
  } catch (error) {
    sttFailure = toAppError(error, "E_STT_FAILED", "speech recognition failed inside an utterance");
  }
}

function opened<T>(engine: T | null): T {
  if (engine === null) throw new AppError("E_INTERNAL", "a speech engine was used before it was opened");
  return engine;
}

async function serve<K extends SpeechCallName>(request: SpeechRequest<K>): Promise<SpeechReply> {
  try {
    return { id: request.id, ok: true, value: await handlers[request.call](request.args) };
  } catch (error) {
    const failure = toAppError(error, "E_STT_FAILED", `the speech worker failed in ${request.call}`);
    return { id: request.id, ok: false, code: failure.code, message: failure.message, hint: failure.hint };
  }
}

/** INVARIANT: one request at a time; an `open` that awaits must not let a frame overtake it. */
let queue: Promise<void> = Promise.resolve();

function accept(request: SpeechRequest, reply: (message: SpeechReply) => void): void {
  queue = queue.then(async () => reply(await serve(request)));
}

if (parentPort !== null) {
  const port = parentPort;
  port.on("message", (request: SpeechRequest) => accept(request, (message) => port.postMessage(message)));
} else {
  process.on("message", (request: SpeechRequest) => accept(request, (message) => process.send?.(message)));
  process.on("disconnect", () => process.exit(0)); // the service is gone
}
