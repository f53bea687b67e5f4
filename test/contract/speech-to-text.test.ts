import { expect, test } from "vitest";
import { SystemClock } from "../../src/core/clock.ts";
import { openSherpa } from "../../src/sensors/sherpa-speech-to-text.ts";
import { SpeechWorker } from "../../src/sensors/speech-worker-client.ts";
import { parseWyomingUri, WyomingSpeechToText } from "../../src/sensors/wyoming-speech-to-text.ts";
import { describeWhen } from "../support/describe-when.ts";
import { lacksPocketsphinx, openHomeRecogniser } from "../support/pocketsphinx.ts";
import { ScriptedSpeechToText } from "../support/scripted-speech-to-text.ts";
import { clipFrames } from "../support/speech-clips.ts";
import { serveRecogniser } from "../support/wyoming-recogniser.ts";
import { startWyomingServer } from "../support/wyoming-voice-server.ts";
import { speechToTextContract } from "./speech-to-text.ts";

describeWhen(null, "scripted (the tests' fake)", () => {
  speechToTextContract(async () => new ScriptedSpeechToText("turn on the kitchen lights"));
});

describeWhen(lacksPocketsphinx(), "pocketsphinx with the home language model", () => {
  speechToTextContract(openHomeRecogniser);

  // Where the utterance begins decides between `sam` and `sandra`: here it is always the same.
  test("understands `call me sam`", async () => {
    await using recogniser = await openHomeRecogniser();
    const utterance = recogniser.begin();
    for (const frame of await clipFrames("call-me-sam-slt")) utterance.accept(frame);
    expect((await utterance.finish()).text).toBe("call me sam");
  });
});

describeWhen(lacksPocketsphinx(), "Wyoming server with pocketsphinx behind it", () => {
  speechToTextContract(async () => {
    const engine = await openHomeRecogniser();
    const server = await startWyomingServer(serveRecogniser(engine));
    const stt = new WyomingSpeechToText({
      ...parseWyomingUri(server.uri),
      timeoutMs: 30_000,
      clock: new SystemClock(),
    });
    return {
      name: stt.name,
      begin: () => stt.begin(),
      [Symbol.asyncDispose]: async () => {
        await stt[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        await engine[Symbol.asyncDispose]();
      },
    };
  });
});

const sherpaModelDir = process.env.ASLS_TEST_SHERPA_STT ?? "";
describeWhen(
  sherpaModelDir === "" ? "no sherpa-onnx model: set ASLS_TEST_SHERPA_STT to its folder" : null,
  "sherpa-onnx with the owner's model",
  () => {
    speechToTextContract(async () => {
      const worker = new SpeechWorker("process");
      const stt = await openSherpa(worker, { modelDir: sherpaModelDir, threads: 2 });
      return {
        name: stt.name,
        begin: () => stt.begin(),
        [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
      };
    });
  },
);
