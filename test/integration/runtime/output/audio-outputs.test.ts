import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SystemClock } from "../../../../src/core/clock.ts";
import { readWavFile } from "../../../../src/core/wav.ts";
import { AplayOutput } from "../../../../src/runtime/output/aplay-output.ts";
import { WavOutput } from "../../../../src/runtime/output/wav-output.ts";
import { describeWhen, lacksProgram } from "../../../support/describe-when.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

const never = new AbortController().signal;
const second = (sampleRateHz = 16_000) => ({ samples: new Int16Array(sampleRateHz).fill(1000), sampleRateHz });

describeWhen(lacksProgram("aplay"), "aplay", () => {
  test("a device that is not there is E_AUDIO_OUTPUT_UNAVAILABLE with ALSA's words", async () => {
    const output = new AplayOutput({ device: "hw:99,0", clock: new SystemClock() });
    await expect(output.play(second(), never)).rejects.toMatchObject({
      code: "E_AUDIO_OUTPUT_UNAVAILABLE",
      message: expect.stringMatching(/^cannot play on hw:99,0: audio open error: \w/),
    });
  });

  test("10 s of audio to ALSA's null device are played without an error", async () => {
    const output = new AplayOutput({ device: "null", clock: new SystemClock() });
    const audio = { samples: new Int16Array(160_000), sampleRateHz: 16_000 };
    expect(await output.play(audio, never)).toBe("played");
  });
});

test("an aplay that is not installed is E_AUDIO_OUTPUT_UNAVAILABLE with the package to install", async () => {
  const output = new AplayOutput({ device: "default", clock: new SystemClock(), command: "no-aplay" });
  await expect(output.play(second(), never)).rejects.toMatchObject({
    code: "E_AUDIO_OUTPUT_UNAVAILABLE",
    hint: "apt install alsa-utils",
  });
});

test("an aplay that takes no audio is given up 5 s after the audio's end", async () => {
  await using folder = await makeTempDir("aplay");
  const command = folder.join("hung-aplay");
  await writeFile(command, "#!/bin/sh\nexec sleep 1000\n");
  await chmod(command, 0o755);
  const clock = new FakeClock();
  const output = new AplayOutput({ device: "usb", clock, command });
  const failed = output.play(second(), never).catch((error: unknown) => error);
  await clock.advance(6_000);
  expect(await failed).toMatchObject({
    code: "E_AUDIO_OUTPUT_UNAVAILABLE",
    message: "cannot play on usb: took no audio",
  });
  expect(clock.pendingTimers).toBe(0);
});

test("an utterance of two sentences is one file of mode 0600, the next utterance the next number", async () => {
  await using folder = await makeTempDir("wav");
  const clock = new FakeClock();
  const output = new WavOutput({ folder: folder.join("spoken"), clock });
  const first = output.play(second(), never);
  await clock.advance(1000);
  const next = first.then(() => output.play(second(), never));
  await clock.advance(1000);
  expect(await next).toBe("played");
  const path = await output.endUtterance();
  expect(path).toBe(folder.join("spoken/00001.wav"));
  expect((await readWavFile(folder.join("spoken/00001.wav"))).samples.length).toBe(32_000);
  expect((await stat(folder.join("spoken/00001.wav"))).mode & 0o777).toBe(0o600);
  const third = output.play(second(), never);
  await clock.advance(1000);
  await third;
  expect(await output.endUtterance()).toBe(folder.join("spoken/00002.wav"));
});

test("an utterance stopped after 250 ms keeps 250 ms, at speed 2 it keeps 500", async () => {
  for (const [speed, samples] of [
    [1, 4000],
    [2, 8000],
  ] as const) {
    await using folder = await makeTempDir("wav");
    const clock = new FakeClock();
    const output = new WavOutput({ folder: folder.path, clock, speed });
    const abort = new AbortController();
    const played = output.play(second(), abort.signal);
    await clock.advance(250);
    abort.abort();
    expect(await played).toBe("stopped");
    await output.endUtterance();
    expect((await readWavFile(folder.join("00001.wav"))).samples.length).toBe(samples);
  }
});

test("a change of rate within an utterance starts a new file", async () => {
  await using folder = await makeTempDir("wav");
  const clock = new FakeClock();
  const output = new WavOutput({ folder: folder.path, clock });
  for (const rate of [16_000, 22_050]) {
    const played = output.play(second(rate), never);
    // the first file is written before the second sentence begins
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
    await played;
  }
  await output.endUtterance();
  expect((await readWavFile(folder.join("00001.wav"))).sampleRateHz).toBe(16_000);
  expect((await readWavFile(folder.join("00002.wav"))).sampleRateHz).toBe(22_050);
});

test("of 5 utterances with room for 3 the newest 3 remain, and other files are left alone", async () => {
  await using folder = await makeTempDir("wav");
  await writeFile(folder.join("notes.txt"), "mine");
  const clock = new FakeClock();
  const output = new WavOutput({ folder: folder.path, clock, keepFiles: 3 });
  for (let i = 0; i < 5; i++) {
    const played = output.play(second(), never);
    await clock.advance(1000);
    await played;
    await output.endUtterance();
  }
  expect((await readdir(folder.path)).sort()).toEqual(["00003.wav", "00004.wav", "00005.wav", "notes.txt"]);
});

test("a folder that cannot be made is E_FILE_UNWRITABLE, and the utterance is gone", async () => {
  await using folder = await makeTempDir("wav");
  await writeFile(folder.join("file"), "");
  const clock = new FakeClock();
  const output = new WavOutput({ folder: folder.join("file/spoken"), clock });
  const played = output.play(second(), never);
  await clock.advance(1000);
  await played;
  await expect(output.endUtterance()).rejects.toMatchObject({ code: "E_FILE_UNWRITABLE" });
  expect(await output.endUtterance()).toBeNull();
});
