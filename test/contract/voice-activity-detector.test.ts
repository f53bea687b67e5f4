import { packageRoot } from "../../src/core/built-file.ts";
import { SileroVad } from "../../src/sensors/silero-vad.ts";
import { SpeechWorker } from "../../src/sensors/speech-worker-client.ts";
import { describeWhen } from "../support/describe-when.ts";
import { LoudnessVad } from "../support/loudness-vad.ts";
import { voiceActivityDetectorContract } from "./voice-activity-detector.ts";

describeWhen(null, "loudness (the tests' fake)", () => {
  voiceActivityDetectorContract(async () => new LoudnessVad());
});

describeWhen(null, "Silero in a speech worker", () => {
  voiceActivityDetectorContract(async () => {
    const worker = new SpeechWorker("thread");
    const vad = await SileroVad.open(worker, { modelPath: `${packageRoot}models/silero_vad_v5.onnx`, threshold: 0.5 });
    return {
      isSpeech: (frame) => vad.isSpeech(frame),
      reset: () => vad.reset(),
      [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
    };
  });
});
