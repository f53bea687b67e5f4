import { expect, test } from "vitest";
import { describeWhen } from "../../support/describe-when.ts";
import { eventually } from "../../support/eventually.ts";
import { HEARING_DEFAULTS, HearingRig } from "../../support/hearing-rig.ts";
import { isLibraryMapped } from "../../support/mapped-library.ts";
import { lacksPocketsphinx } from "../../support/pocketsphinx.ts";
import { readClip } from "../../support/speech-clips.ts";

describeWhen(lacksPocketsphinx(), "hearing with real engines on the virtual microphone", () => {
  test("button, then speech: `turn on the kitchen lights` becomes a transcript, events in order", async () => {
    await using rig = new HearingRig();
    await rig.start();
    expect(rig.listener.wake()).toBe("listening");
    void rig.microphone.say(await readClip("turn-on-the-kitchen-lights-slt"));
    const { text, audioMs, confidence } = await rig.next("transcript");
    expect(text).toBe("turn on the kitchen lights");
    expect(audioMs).toBeGreaterThan(1_500);
    expect(confidence).toBeGreaterThan(0.01);
    expect(rig.names).toEqual(["engines_ready", "mic_back", "wake", "speech_started", "speech_ended", "transcript"]);
    expect(rig.listener.state).toBe("waiting");
  });

  test("after a quiet while without the detector the first words are complete, by phrase and by button", async () => {
    await using rig = new HearingRig({ vad: { ...HEARING_DEFAULTS.vad, releaseAfterS: 0.2 } });
    await rig.start();
    void rig.microphone.say(await readClip("okay-computer-turn-on-the-kitchen-lights-rms"));
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
    await eventually(async () => !(await isLibraryMapped("libonnxruntime")));
    void rig.microphone.say(await readClip("turn-on-the-kitchen-lights-slt")); // already speaking when the button is pressed
    rig.listener.wake();
    expect((await rig.next("transcript", 2)).text).toBe("turn on the kitchen lights");
  });

  test("a human's `go forward ten meters`, which no home template covers, gets a second look by the general model", async () => {
    await using rig = new HearingRig();
    await rig.start();
    rig.listener.wake();
    void rig.microphone.say(await readClip("go-forward-ten-meters-human"));
    expect((await rig.next("transcript")).text).toBe("go forward ten meters");
  });

  test("`okay computer, turn on the kitchen lights` wakes by phrase, which is no part of the command", async () => {
    await using rig = new HearingRig();
    await rig.start();
    void rig.microphone.say(await readClip("okay-computer-turn-on-the-kitchen-lights-rms"));
    expect(await rig.next("wake")).toMatchObject({ by: "phrase" });
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
  });

  test("speech without a wake is not transcribed, and a wake after it gives only what follows", async () => {
    await using rig = new HearingRig();
    await rig.start();
    await rig.microphone.say(await readClip("go-forward-ten-meters-human"));
    void rig.microphone.say(await readClip("okay-computer-turn-on-the-kitchen-lights-rms"));
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
    expect(rig.names.filter((name) => name === "speech_started")).toHaveLength(1);
  });

  test("what is said while muted is never heard, and a wake is refused", async () => {
    await using rig = new HearingRig();
    await rig.start();
    await rig.listener.setMuted(true);
    expect(rig.listener.state).toBe("muted");
    expect(rig.listener.wake()).toBe("muted");
    await rig.microphone.say(await readClip("okay-computer-turn-on-the-kitchen-lights-rms"));
    await rig.listener.setMuted(false);
    await rig.next("mic_back", 2);
    rig.listener.wake();
    void rig.microphone.say(await readClip("turn-on-the-kitchen-lights-slt"));
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
    expect(rig.names.filter((name) => name === "wake" || name === "transcript")).toEqual(["wake", "transcript"]);
  });

  test("an unplugged microphone is told once, and hearing goes on when it is back", async () => {
    await using rig = new HearingRig();
    await rig.start();
    rig.microphone.unplug();
    expect((await rig.next("mic_lost")).error).toMatchObject({ code: "E_MIC_LOST" });
    expect(rig.listener.wake()).toBe("no_microphone");
    rig.microphone.plug();
    await rig.next("mic_back", 2);
    rig.listener.wake();
    void rig.microphone.say(await readClip("turn-on-the-kitchen-lights-slt"));
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
    expect(rig.names.filter((name) => name === "mic_lost")).toHaveLength(1);
  });

  test("a wake phrase the dictionary lacks is E_WAKE_PHRASE, and the button still works", async () => {
    await using rig = new HearingRig({ wake: { ...HEARING_DEFAULTS.wake, phrase: "okay zorblax" } });
    await rig.start();
    expect(await rig.next("engine_failed")).toMatchObject({ engine: "wake", error: { code: "E_WAKE_PHRASE" } });
    rig.listener.wake();
    void rig.microphone.say(await readClip("turn-on-the-kitchen-lights-slt"));
    expect((await rig.next("transcript")).text).toBe("turn on the kitchen lights");
  });

  test("a recogniser whose files are missing is told as E_STT_UNAVAILABLE", async () => {
    await using rig = new HearingRig({ stt: { engine: "pocketsphinx", modelDir: "/nonexistent", uri: "" } });
    await rig.listener.start(new AbortController().signal);
    expect(await rig.next("engine_failed")).toMatchObject({ engine: "stt", error: { code: "E_STT_UNAVAILABLE" } });
  });

  test("a Wyoming server that is not there loses the utterance with E_STT_UNAVAILABLE, not the listener", async () => {
    await using rig = new HearingRig({ stt: { engine: "wyoming", modelDir: "", uri: "tcp://127.0.0.1:9" } });
    await rig.start();
    rig.listener.wake();
    void rig.microphone.say(await readClip("call-me-sam-slt"));
    expect((await rig.next("stt_failed")).error).toMatchObject({ code: "E_STT_UNAVAILABLE" });
    expect(rig.listener.state).toBe("waiting");
  });
});
