import { SystemClock } from "../../src/core/clock.ts";
import { VirtualMicrophone } from "../../src/sensors/virtual-microphone.ts";
import { makeArecordRig } from "../support/arecord-rig.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { tone } from "../support/speech-clips.ts";
import { microphoneContract } from "./microphone.ts";

describeWhen(null, "virtual microphone", () => {
  microphoneContract(async () => {
    const clock = new SystemClock();
    const microphone = new VirtualMicrophone({ clock, speed: 20 });
    const absent = new VirtualMicrophone({ clock });
    absent.unplug();
    void microphone.say(tone(60_000)).catch(() => {});
    return { microphone, absent, vanish: () => microphone.unplug(), [Symbol.asyncDispose]: async () => {} };
  });
});

describeWhen(lacksProgram("arecord"), "node-record-lpcm16 with the real arecord on ALSA's file device", () => {
  microphoneContract(makeArecordRig);
});
