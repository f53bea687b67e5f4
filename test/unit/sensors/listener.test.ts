import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { DEFAULT_ENDPOINT_POLICY } from "../../../src/sensors/endpointer.ts";
import { Listener } from "../../../src/sensors/listener.ts";
import type { ListenerEvents } from "../../../src/sensors/listener-events.ts";
import { VirtualMicrophone } from "../../../src/sensors/virtual-microphone.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { LoudnessVad } from "../../support/loudness-vad.ts";
import { ScriptedSpeechToText } from "../../support/scripted-speech-to-text.ts";
import { tone } from "../../support/speech-clips.ts";

function makeRig() {
  const clock = new FakeClock();
  const microphone = new VirtualMicrophone({ clock });
  const stt = new ScriptedSpeechToText("hello there");
  const rig = { opened: 0, closed: 0, openFailure: null as AppError | null };
  const listener = new Listener({
    microphone,
    microphoneSpeed: 1,
    clock,
    log: silentLogger,
    policy: DEFAULT_ENDPOINT_POLICY,
    preRollMs: 300,
    openEngines: async () => {
      rig.opened++;
      if (rig.openFailure !== null) throw rig.openFailure;
      return {
        vad: new LoudnessVad(),
        wake: null,
        wakeFailure: null,
        speakerFailure: null,
        stt,
        [Symbol.asyncDispose]: async () => {
          rig.closed++;
        },
      };
    },
  });
  const names: string[] = [];
  const transcripts: ListenerEvents["transcript"][] = [];
  const track = (event: keyof ListenerEvents) => listener.on(event, () => names.push(event));
  for (const event of ["wake", "speech_started", "speech_ended", "transcript", "no_speech"] as const) track(event);
  for (const event of ["stt_failed", "mic_lost", "mic_back", "mic_condition", "engine_failed"] as const) track(event);
  listener.on("transcript", (transcript) => transcripts.push(transcript));
  return { clock, microphone, stt, rig, listener, names, transcripts };
}

async function started() {
  const all = makeRig();
  await all.listener.start(new AbortController().signal);
  await all.clock.advance(320);
  all.names.length = 0;
  return all;
}

describe("listener", () => {
  test("an utterance gets 300 ms from before its first speech frame and 700 ms after its last", async () => {
    const { clock, microphone, stt, listener, transcripts } = await started();
    listener.wake();
    await clock.advance(1_000);
    void microphone.say(tone(960));
    await clock.advance(3_000);
    const levels = stt.utterances[0]?.frames.map((frame) => (Math.abs(frame[100] ?? 0) > 100 ? "#" : ".")).join("");
    expect(levels).toMatch(/^\.{9,11}#{30,31}\.{21,23}$/);
    expect(transcripts[0]?.text).toBe("hello there");
    await listener.stop();
  });

  test("nobody speaking for 5 s after a wake is no_speech, and listening goes on", async () => {
    const { clock, listener, names } = await started();
    listener.wake();
    await clock.advance(4_900);
    expect(names).toEqual(["wake"]);
    await clock.advance(200);
    expect(names).toEqual(["wake", "no_speech"]);
    expect(listener.state).toBe("waiting");
    await listener.stop();
  });

  test("a sound of 64 ms is a click, not speech", async () => {
    const { clock, microphone, listener, names } = await started();
    listener.wake();
    void microphone.say(tone(64));
    await clock.advance(2_000);
    expect(names).toEqual(["wake"]);
    await listener.stop();
  });

  test("a wake during speech changes nothing; cancelUtterance drops it without an event", async () => {
    const { clock, microphone, listener, names } = await started();
    listener.wake();
    void microphone.say(tone(3_000));
    await clock.advance(1_000);
    listener.wake();
    expect(names).toEqual(["wake", "speech_started", "wake"]);
    listener.cancelUtterance();
    await clock.advance(5_000);
    expect(names).toEqual(["wake", "speech_started", "wake"]);
    expect(listener.state).toBe("waiting");
    await listener.stop();
  });

  test("a wake right behind cancelUtterance begins anew, though no frame came in between", async () => {
    const { clock, microphone, stt, listener, names } = await started();
    listener.wake();
    void microphone.say(tone(2_000));
    await clock.advance(1_000);
    listener.cancelUtterance();
    listener.wake();
    expect(listener.state).toBe("capturing");
    await clock.advance(3_000);
    expect(names).toEqual(["wake", "speech_started", "wake", "speech_started", "speech_ended", "transcript"]);
    expect(stt.utterances).toHaveLength(2);
    await listener.stop();
  });

  test("a failing recogniser loses the utterance with its code, not the listener", async () => {
    const { clock, microphone, stt, listener, names } = await started();
    listener.wake();
    void microphone.say(tone(960));
    await clock.advance(1_200);
    const utterance = stt.utterances[0];
    if (utterance) utterance.failure = new AppError("E_STT_FAILED", "broken on purpose");
    await clock.advance(2_000);
    expect(names).toEqual(["wake", "speech_started", "speech_ended", "stt_failed"]);
    expect(listener.state).toBe("waiting");
    await listener.stop();
  });

  test("a missing microphone is told once and tried again after 1, 2, 4 s; mic_back when it is there", async () => {
    const { clock, microphone, listener, names } = makeRig();
    microphone.unplug();
    await listener.start(new AbortController().signal);
    await clock.advance(6_900);
    expect(names).toEqual(["mic_lost"]);
    expect(listener.state).toBe("no_microphone");
    microphone.plug();
    await clock.advance(200);
    expect(names).toEqual(["mic_lost", "mic_back"]);
    await listener.stop();
  });

  test("the wait between tries never exceeds 30 s", async () => {
    const { clock, microphone, listener, names } = makeRig();
    microphone.unplug();
    await listener.start(new AbortController().signal);
    await clock.advance(3_600_000);
    microphone.plug();
    await clock.advance(30_100);
    expect(names).toEqual(["mic_lost", "mic_back"]);
    await listener.stop();
  });

  test("engines that cannot be opened are told once per code and tried again", async () => {
    const { clock, rig, listener, names } = makeRig();
    rig.openFailure = new AppError("E_STT_UNAVAILABLE", "not installed");
    await listener.start(new AbortController().signal);
    await clock.advance(3_500);
    expect(names).toEqual(["engine_failed"]);
    rig.openFailure = null;
    await clock.advance(5_000);
    expect(names).toEqual(["engine_failed", "mic_back"]);
    await listener.stop();
    expect(rig.closed).toBe(1);
  });

  test("muted: the capture has ended, nothing said is heard, and mute survives a lost microphone", async () => {
    const { clock, microphone, listener, names } = await started();
    await listener.setMuted(true);
    expect(clock.pendingTimers).toBe(0);
    expect(listener.wake()).toBe("muted");
    void microphone.say(tone(960));
    await clock.advance(2_000);
    expect(names).toEqual([]);
    await listener.setMuted(false);
    await clock.advance(100);
    expect(names).toEqual(["mic_back"]);
    await listener.stop();
  });

  test("mute during an utterance drops it", async () => {
    const { clock, microphone, stt, listener, names } = await started();
    listener.wake();
    void microphone.say(tone(960));
    await clock.advance(800);
    await listener.setMuted(true);
    await clock.advance(3_000);
    expect(names).toEqual(["wake", "speech_started"]);
    await expect(stt.utterances[0]?.finish()).rejects.toMatchObject({ code: "E_ABORTED" });
    await listener.stop();
  });

  test("stop may be called twice, leaves no timer, and an aborted start is E_ABORTED", async () => {
    const { clock, rig, listener } = await started();
    await listener.stop();
    await listener.stop();
    expect(listener.state).toBe("stopped");
    expect(clock.pendingTimers).toBe(0);
    expect(rig.closed).toBe(1);
    await expect(makeRig().listener.start(AbortSignal.abort())).rejects.toMatchObject({ code: "E_ABORTED" });
  });
});
