import { tmpdir } from "node:os";
import { SystemClock } from "../../src/core/clock.ts";
import { EspeakTextToSpeech } from "../../src/runtime/output/espeak-text-to-speech.ts";
import { FliteTextToSpeech } from "../../src/runtime/output/flite-text-to-speech.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { ToneVoice } from "../support/tone-voice.ts";
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
