import { expect, test } from "vitest";
import { AppError } from "../../../../src/core/errors.ts";
import { Speaker, type SpeechReport } from "../../../../src/runtime/output/speaker.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryOutput } from "../../../support/memory-output.ts";
import { ToneVoice } from "../../../support/tone-voice.ts";

/** A voice that takes 30 ms per sentence; "One two three." has 11 letters = 550 ms of sound. */
function parts() {
  const clock = new FakeClock();
  const voice = new ToneVoice(clock, 30);
  const output = new MemoryOutput(clock);
  return { clock, voice, output, speaker: new Speaker({ voice, output, clock }) };
}

async function within(clock: FakeClock, ms: number, report: Promise<SpeechReport>): Promise<SpeechReport> {
  let done: SpeechReport | null = null;
  void report.then((value) => {
    done = value;
  });
  await clock.advance(ms);
  if (done === null) throw new Error(`not done after ${ms} ms`);
  return done;
}

test("speaks the first sentence 30 ms after it is complete, while the rest is still being written", async () => {
  const { clock, voice, output, speaker } = parts();
  const speech = speaker.begin();
  speech.push("One two thr");
  await clock.advance(100);
  expect(voice.asked).toEqual([]);
  speech.push("ee. And th");
  await clock.advance(30);
  expect(voice.asked).toEqual(["One two three."]);
  await clock.advance(1000);
  expect(output.playedMs).toEqual([550]);
  speech.push("en more.");
  const report = await within(clock, 30 + 550, speech.finish());
  expect(report).toMatchObject({
    outcome: "played",
    spokenText: "One two three. And then more.",
    interruptedSentence: null,
    firstSentenceMs: 100,
    firstSynthesisedMs: 130,
    firstAudioMs: 130,
    synthesisMs: 60,
    audioMs: 1100,
    error: null,
  });
  expect(output.utterances).toBe(1);
});

test("synthesises sentence n + 1 while n plays, and not n + 2", async () => {
  const { clock, voice, output, speaker } = parts();
  void speaker.speak(["One two three. Four five six. Seven eight nine."]);
  await clock.advance(30 + 200);
  expect(voice.asked).toEqual(["One two three.", "Four five six."]);
  await clock.advance(350);
  expect(voice.asked).toEqual(["One two three.", "Four five six.", "Seven eight nine."]);
  await clock.advance(550 + 700);
  expect(output.playedMs).toEqual([550, 550, 700]);
});

test("a stop during the second sentence silences it at that instant and reports what was heard", async () => {
  const { clock, output, speaker } = parts();
  const done = speaker.speak(["One two three. Four five six. Seven eight nine."]);
  await clock.advance(30 + 550 + 200);
  await speaker.stop();
  expect(output.playedMs).toEqual([550, 200]);
  expect(await done).toMatchObject({
    outcome: "stopped",
    spokenText: "One two three.",
    interruptedSentence: "Four five six.",
    audioMs: 550,
    error: null,
  });
  expect(speaker.isSpeaking).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test("a stop while the model has yet to write the first sentence ends at once with nothing spoken", async () => {
  const { voice, speaker } = parts();
  const speech = speaker.begin();
  speech.push("One two");
  await speaker.stop();
  speech.push(" three. Four.");
  expect(await speech.finish()).toMatchObject({ outcome: "stopped", spokenText: "", firstAudioMs: null });
  expect(voice.asked).toEqual([]);
});

test("a stop while the voice is at work is heard as nothing", async () => {
  const { clock, output, speaker } = parts();
  const done = speaker.speak(["One two three."]);
  await clock.advance(10);
  await speaker.stop();
  expect(await done).toMatchObject({ outcome: "stopped", spokenText: "", interruptedSentence: null, error: null });
  expect(output.playedMs).toEqual([]);
});

test("an aborted signal stops speech like stop", async () => {
  const { clock, speaker } = parts();
  const abort = new AbortController();
  const done = speaker.speak(["One two three."], abort.signal);
  await clock.advance(230);
  abort.abort();
  expect(await within(clock, 0, done)).toMatchObject({ outcome: "stopped", interruptedSentence: "One two three." });
});

test("a new utterance stops the one before and never overlaps it", async () => {
  const { clock, output, speaker } = parts();
  const first = speaker.speak(["One two three."]);
  await clock.advance(230);
  const second = speaker.speak(["Four five six."]);
  expect(await within(clock, 0, first)).toMatchObject({ outcome: "stopped" });
  expect(await within(clock, 580, second)).toMatchObject({ outcome: "played", spokenText: "Four five six." });
  expect(output.playedMs).toEqual([200, 550]);
  expect(output.utterances).toBe(2);
});

test("a new utterance waits for an output that takes 150 ms to fall silent", async () => {
  const clock = new FakeClock();
  const speaker = new Speaker({ voice: new ToneVoice(clock, 30), output: new MemoryOutput(clock, 150), clock });
  void speaker.speak(["One two three."]);
  await clock.advance(230);
  const second = speaker.speak(["Four five six."]);
  expect(await within(clock, 150 + 30 + 550, second)).toMatchObject({
    outcome: "played",
    firstAudioMs: 230 + 150 + 30,
  });
});

test("a voice that fails at the second sentence leaves the first one heard and reports E_TTS_FAILED", async () => {
  const { clock, voice, speaker } = parts();
  voice.failOn = "Four five six.";
  const report = await within(clock, 5000, speaker.speak(["One two three. Four five six. Seven."]));
  expect(report).toMatchObject({
    outcome: "failed",
    spokenText: "One two three.",
    error: { code: "E_TTS_FAILED" },
  });
  expect(voice.asked).not.toContain("Seven.");
});

test("a loudspeaker that is gone fails the utterance without waiting for the rest of the text", async () => {
  const { clock, output, speaker } = parts();
  output.failWith = new AppError("E_AUDIO_OUTPUT_UNAVAILABLE", "no device");
  const speech = speaker.begin();
  speech.push("One two three. Four");
  expect(await within(clock, 30, speech.done)).toMatchObject({
    outcome: "failed",
    interruptedSentence: "One two three.",
    error: { code: "E_AUDIO_OUTPUT_UNAVAILABLE" },
  });
});

test("an answer without anything to say is played as nothing", async () => {
  const { clock, output, speaker } = parts();
  expect(await within(clock, 100, speaker.speak(["... 🙂"]))).toMatchObject({ outcome: "played", firstAudioMs: null });
  expect(await within(clock, 100, speaker.speak([]))).toMatchObject({ outcome: "played", spokenText: "" });
  expect(output.playedMs).toEqual([]);
});

test("a text that breaks off with an error stops speech and passes the error on", async () => {
  const { clock, speaker } = parts();
  async function* pieces() {
    yield "One two three. ";
    throw new AppError("E_TIMEOUT", "the model took too long");
  }
  const failed = speaker.speak(pieces()).catch((error: unknown) => error);
  await clock.advance(50);
  expect(await failed).toMatchObject({ code: "E_TIMEOUT" });
  expect(speaker.isSpeaking).toBe(false);
});

test("tells the observer of the first sentence and the first audio, once each", async () => {
  const { clock, speaker } = parts();
  const seen: string[] = [];
  void speaker.speak(["One two three. Four."], undefined, {
    onFirstSentence: (atMs) => seen.push(`sentence ${atMs}`),
    onFirstAudio: (atMs) => seen.push(`audio ${atMs}`),
  });
  await clock.advance(5000);
  expect(seen).toEqual(["sentence 0", "audio 30"]);
});
