import { tmpdir } from "node:os";
import { SystemClock } from "../../src/core/clock.ts";
import { EspeakTextToSpeech } from "../../src/runtime/output/espeak-text-to-speech.ts";
import { FliteTextToSpeech } from "../../src/runtime/output/flite-text-to-speech.ts";
import { SherpaTextToSpeech } from "../../src/runtime/output/sherpa-text-to-speech.ts";
import { WyomingTextToSpeech } from "../../src/runtime/output/wyoming-text-to-speech.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { writeTinyVoice } from "../support/tiny-voice.ts";
import { ToneVoice } from "../support/tone-voice.ts";
import { serveVoice, startWyomingServer } from "../support/wyoming-voice-server.ts";
import { textToSpeechContract } from "./text-to-speech.ts";

for (const voice of ["slt", "rms"]) {
  describeWhen(lacksProgram("flite"), `flite ${voice}`, () => {
    textToSpeechContract(async () => new FliteTextToSpeech({ voice, runtimeDir: tmpdir() }));
  });
}

describeWhen(lacksProgram("espeak-ng"), "espeak-ng", () => {
  textToSpeechContract(async () => new EspeakTextToSpeech({ voice: "en-us" }));
});

describeWhen(null, "tone (the tests' fake)", () => {
  textToSpeechContract(async () => new ToneVoice(new SystemClock(), 1));
});

describeWhen(lacksProgram("flite"), "Wyoming server with flite's voice", () => {
  textToSpeechContract(async () => {
    const server = await startWyomingServer(serveVoice(new FliteTextToSpeech({ voice: "slt", runtimeDir: tmpdir() })));
    const voice = new WyomingTextToSpeech({ uri: server.uri, voice: "", clock: new SystemClock() });
    return {
      name: voice.name,
      synthesize: (text, signal) => voice.synthesize(text, signal),
      [Symbol.asyncDispose]: async () => {
        await voice[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  });
});

describeWhen(null, "sherpa-onnx with an untrained voice", () => {
  textToSpeechContract(async () => {
    const folder = await makeTempDir("tiny-voice");
    await writeTinyVoice(folder.path);
    const voice = new SherpaTextToSpeech({ modelDir: folder.path, voice: "", clock: new SystemClock() });
    return {
      name: voice.name,
      synthesize: (text, signal) => voice.synthesize(text, signal),
      [Symbol.asyncDispose]: async () => {
        await voice[Symbol.asyncDispose]();
        await folder.dispose();
      },
    };
  });
});
