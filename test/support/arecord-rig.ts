import { readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { SystemClock } from "../../src/core/clock.ts";
import { Lpcm16Microphone } from "../../src/sensors/lpcm16-microphone.ts";
import type { MicrophoneRig } from "../contract/microphone.ts";
import { tone } from "./speech-clips.ts";
import { makeTempDir } from "./temp-dir.ts";

/**
 * The real arecord on a machine without a sound card: ALSA's `file` plugin gives it a tone from a file. A wrapper named
 * `arecord` notes its process id before it becomes the real one, so that a test can make the device vanish.
 */
export async function makeArecordRig(): Promise<MicrophoneRig> {
  const folder = await makeTempDir("arecord");
  const sound = folder.join("tone.raw");
  const { samples } = tone(10_000);
  await writeFile(sound, new Uint8Array(samples.buffer));
  await writeFile(
    folder.join("asound.conf"),
    `pcm.room { type file slave.pcm { type null } file "/dev/null" infile "${sound}" format "raw" }\n`,
  );
  await writeFile(folder.join("arecord"), `#!/bin/sh\necho $$ > '${folder.join("pid")}'\nexec /usr/bin/arecord "$@"\n`);
  await chmod(folder.join("arecord"), 0o755);
  const before = { PATH: process.env.PATH, ALSA_CONFIG_PATH: process.env.ALSA_CONFIG_PATH };
  process.env.PATH = `${folder.path}:${before.PATH}`;
  process.env.ALSA_CONFIG_PATH = folder.join("asound.conf");
  const clock = new SystemClock();
  return {
    microphone: new Lpcm16Microphone({ device: "room", clock, stallMs: 10_000 }),
    absent: new Lpcm16Microphone({ device: "hw:9,0", clock, stallMs: 10_000 }),
    vanish: () => {
      const pid = Number(readFileSync(folder.join("pid"), "utf8"));
      if (pid > 1) process.kill(pid, "SIGKILL");
    },
    [Symbol.asyncDispose]: async () => {
      for (const [key, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[key];
        else process.env[key] = value;
      }
      await folder.dispose();
    },
  };
}
