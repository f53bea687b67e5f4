import { expect, test } from "vitest";
import { SystemClock } from "../../../../src/core/clock.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import { readWavFile } from "../../../../src/core/wav.ts";
import { createSpeechOutput, type SpeechOutputConfig } from "../../../../src/runtime/output/speech-output.ts";
import { describeWhen, lacksProgram } from "../../../support/describe-when.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

function config(folder: string, changes: Partial<SpeechOutputConfig> = {}): SpeechOutputConfig {
  return {
    tts: { engine: "flite", voice: "slt", modelDir: "", uri: "" },
    output: { kind: "wav", device: "default", wavDir: "" },
    paths: { stateDir: folder, runtimeDir: folder },
    virtual: { speed: 1 },
    ...changes,
  };
}

const ANSWER = "The kitchen lights are on. It is 21.5 °C in there. Anything else, Sam?";

describeWhen(lacksProgram("flite"), "flite into WAV files", () => {
  test("an answer of three sentences that is written word by word is one WAV file of 3 to 8 s", async () => {
    await using folder = await makeTempDir("speech");
    const clock = new SystemClock();
    const speech = createSpeechOutput(config(folder.path, { virtual: { speed: 50 } }), { clock, log: silentLogger });
    const report = await speech.speaker.speak(ANSWER.split(/(?<= )/));
    expect(report).toMatchObject({ outcome: "played", error: null, recordingPath: folder.join("spoken/00001.wav") });
    expect(report.spokenText).toBe(ANSWER);
    const audio = await readWavFile(folder.join("spoken/00001.wav"));
    expect(audio.samples.length / audio.sampleRateHz).toBeCloseTo(report.audioMs / 1000, 2);
    expect(report.audioMs).toBeGreaterThan(3000);
    expect(report.audioMs).toBeLessThan(8000);
    await speech.stop();
  });

  test("a barge-in 500 ms into the first sentence keeps those 500 ms and nothing of the second", async () => {
    await using folder = await makeTempDir("speech");
    const clock = new FakeClock();
    const speech = createSpeechOutput(config(folder.path), { clock, log: silentLogger });
    const done = speech.speaker.speak([ANSWER]);
    // flite is real: only the loudspeaker waits on the clock
    await eventually(() => clock.pendingTimers > 0);
    await clock.advance(500);
    await speech.speaker.stop();
    const report = await done;
    expect(report).toMatchObject({
      outcome: "stopped",
      spokenText: "",
      interruptedSentence: "The kitchen lights are on.",
      error: null,
    });
    expect((await readWavFile(report.recordingPath ?? "")).samples.length).toBe(8000);
    await speech.stop();
  });
});

test("with no voice an answer is text only: nothing is played and nothing fails", async () => {
  await using folder = await makeTempDir("speech");
  const tts = { engine: "none", voice: "slt", modelDir: "", uri: "" } as const;
  const speech = createSpeechOutput(config(folder.path, { tts }), { clock: new SystemClock(), log: silentLogger });
  expect(await speech.speaker.speak([ANSWER])).toMatchObject({ outcome: "played", firstAudioMs: null, error: null });
});

test.each([
  [{ engine: "flite", voice: "rms" }, "flite rms"],
  [{ engine: "espeak", voice: "slt" }, "espeak-ng en-us"],
  [{ engine: "espeak", voice: "de" }, "espeak-ng de"],
  [{ engine: "wyoming", voice: "slt" }, "Wyoming tcp://192.0.2.10:10200"],
  [{ engine: "sherpa", voice: "0" }, "sherpa /models/voice"],
  [{ engine: "none", voice: "slt" }, "none"],
] as const)("tts %o is the voice %j", (choice, name) => {
  const tts = { modelDir: "/models/voice", uri: "tcp://192.0.2.10:10200", ...choice };
  const speech = createSpeechOutput(config("/tmp", { tts }), { clock: new FakeClock(), log: silentLogger });
  expect(speech.voice.name).toBe(name);
});

test("a voice that is missing is told at start, which does not fail for it", async () => {
  const problems: string[] = [];
  const tts = { engine: "sherpa", voice: "", modelDir: "/nonexistent/voice", uri: "" } as const;
  const speech = createSpeechOutput(config("/tmp", { tts }), {
    clock: new SystemClock(),
    log: silentLogger,
    onProblem: ({ code }) => problems.push(code),
  });
  await speech.start(new AbortController().signal);
  await eventually(() => problems.length === 1);
  expect(problems).toEqual(["E_TTS_UNAVAILABLE"]);
  await speech.stop();
});
