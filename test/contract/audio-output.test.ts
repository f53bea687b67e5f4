import { SystemClock } from "../../src/core/clock.ts";
import { readWavFile } from "../../src/core/wav.ts";
import { AplayOutput } from "../../src/runtime/output/aplay-output.ts";
import { WavOutput } from "../../src/runtime/output/wav-output.ts";
import { makeAlsaFifo } from "../support/alsa-fifo.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemoryOutput } from "../support/memory-output.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { type AudioOutputRig, audioOutputContract, CONTRACT_RATE_HZ } from "./audio-output.ts";

const BYTES_PER_MS = (CONTRACT_RATE_HZ * 2) / 1000;

describeWhen(null, "memory (the tests' fake)", () => {
  audioOutputContract(async (): Promise<AudioOutputRig> => {
    const clock = new FakeClock();
    const output = new MemoryOutput(clock);
    return {
      output,
      slackMs: 0,
      paddingMs: 0,
      letPlay: (ms) => clock.advance(ms),
      totalHeardMs: async () => output.playedMs.reduce((sum, ms) => sum + ms, 0),
      [Symbol.asyncDispose]: async () => {},
    };
  });
});

describeWhen(null, "WAV files", () => {
  audioOutputContract(async (): Promise<AudioOutputRig> => {
    const clock = new FakeClock();
    const folder = await makeTempDir("wav-output");
    const output = new WavOutput({ folder: folder.path, clock });
    let heardMs = 0;
    return {
      output: {
        name: output.name,
        play: (audio, signal) => output.play(audio, signal),
        endUtterance: async () => {
          const path = await output.endUtterance();
          if (path !== null) heardMs += ((await readWavFile(path)).samples.length / CONTRACT_RATE_HZ) * 1000;
          return path;
        },
      },
      slackMs: 0,
      paddingMs: 0,
      letPlay: (ms) => clock.advance(ms),
      totalHeardMs: async () => heardMs,
      [Symbol.asyncDispose]: () => folder.dispose(),
    };
  });
});

describeWhen(lacksProgram("aplay"), "aplay into a pipe through ALSA's file plugin", () => {
  audioOutputContract(async (): Promise<AudioOutputRig> => {
    const fifo = await makeAlsaFifo();
    process.env.ALSA_CONFIG_PATH = fifo.configPath;
    return {
      output: new AplayOutput({ device: fifo.device, clock: new SystemClock() }),
      // the pipe's 64 KiB are 2 s of sound, ALSA's buffer 0.2 s; the plugin writes whole periods
      slackMs: 3000,
      paddingMs: 50,
      letPlay: (ms) => fifo.read(ms * BYTES_PER_MS),
      totalHeardMs: async () => {
        await fifo.drain();
        return fifo.heardBytes / BYTES_PER_MS;
      },
      [Symbol.asyncDispose]: () => fifo[Symbol.asyncDispose](),
    };
  });
});
