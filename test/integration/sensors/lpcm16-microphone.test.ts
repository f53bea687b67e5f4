import { chmod, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { Lpcm16Microphone } from "../../../src/sensors/lpcm16-microphone.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const path = process.env.PATH;
let folder: TempDir;

beforeEach(async () => {
  folder = await makeTempDir("recorder");
});

afterEach(async () => {
  process.env.PATH = path;
  await folder.dispose();
});

/** Puts a program named arecord before the real one. */
async function recorder(script: string): Promise<void> {
  await writeFile(folder.join("arecord"), `#!/bin/sh\n${script}\n`);
  await chmod(folder.join("arecord"), 0o755);
  process.env.PATH = `${folder.path}:${path}`;
}

async function failureOf(microphone: Lpcm16Microphone, signal = new AbortController().signal): Promise<unknown> {
  try {
    for await (const _ of microphone.capture(signal)) {
      // until it ends
    }
  } catch (error) {
    return error;
  }
  return "no error";
}

describe("node-record-lpcm16 and a recorder that misbehaves", () => {
  test("arecord missing: E_MIC_UNAVAILABLE with the package to install, and our process lives", async () => {
    process.env.PATH = folder.path;
    const failure = await failureOf(new Lpcm16Microphone({ device: "default", clock: new SystemClock() }));
    expect(failure).toMatchObject({ code: "E_MIC_UNAVAILABLE", hint: "apt install alsa-utils" });
  });

  test("arecord that ends with a complaint before any audio: E_MIC_UNAVAILABLE with ALSA's words", async () => {
    await recorder('echo "arecord: main:831: audio open error: Device or resource busy" >&2; exit 1');
    const failure = await failureOf(new Lpcm16Microphone({ device: "default", clock: new SystemClock() }));
    expect(failure).toMatchObject({ code: "E_MIC_UNAVAILABLE" });
    expect(String(failure)).toContain("Device or resource busy");
  });

  test("arecord is asked for the configured period and a buffer of eight", async () => {
    await recorder(`echo "$@" > '${folder.join("asked")}'; exit 1`);
    await failureOf(new Lpcm16Microphone({ device: "plughw:1,0", periodMs: 96, clock: new SystemClock() }));
    expect(await readFile(folder.join("asked"), "utf8")).toBe(
      "-q -D plughw:1,0 -r 16000 -c 1 -f S16_LE -t raw --period-time=96000 --buffer-time=768000 -\n",
    );
  });

  test("an end with code 0 that nobody asked for is E_MIC_LOST", async () => {
    await recorder("head -c 8192 /dev/zero");
    const failure = await failureOf(new Lpcm16Microphone({ device: "default", clock: new SystemClock() }));
    expect(failure).toMatchObject({ code: "E_MIC_LOST" });
  });

  test("no audio for 2 s on the clock is E_MIC_LOST, and a recorder that ignores SIGTERM is killed", async () => {
    await recorder("trap '' TERM; head -c 4096 /dev/zero; while true; do read -r line < /dev/zero; done");
    const clock = new FakeClock();
    const microphone = new Lpcm16Microphone({ device: "default", clock, stallMs: 2_000 });
    const frames: number[] = [];
    const ended = (async () => {
      for await (const frame of microphone.capture(new AbortController().signal)) frames.push(frame.length);
    })().catch((error: unknown) => error);
    await eventually(() => frames.length === 4 && clock.pendingTimers === 1);
    await clock.advance(2_000); // stalled: SIGTERM is sent, and ignored
    await clock.advance(1_000); // SIGKILL
    expect(await ended).toMatchObject({ code: "E_MIC_LOST" });
  });

  test("a slow receiver holds the recorder up: less than 4 MB of 50 MB wait while 1,000 frames are taken", async () => {
    await recorder(`exec dd if=/dev/zero bs=64k count=800 2>'${folder.join("taken")}'`);
    const stop = new AbortController();
    const microphone = new Lpcm16Microphone({ device: "default", clock: new SystemClock(), stallMs: 60_000 });
    let frames = 0;
    let largestMb = 0;
    const before = process.memoryUsage();
    for await (const _ of microphone.capture(stop.signal)) {
      const { arrayBuffers } = process.memoryUsage();
      largestMb = Math.max(largestMb, (arrayBuffers - before.arrayBuffers) / 1e6);
      if (++frames === 1_000) stop.abort();
    }
    expect(frames).toBe(1_000);
    expect(largestMb).toBeLessThan(4);
  });

  test("the recorder is gone when the capture has ended, even if a child of it keeps the pipe open", async () => {
    await recorder(`echo $$ > '${folder.join("pid")}'; sleep 3 & head -c 4096 /dev/zero; wait`);
    const stop = new AbortController();
    const microphone = new Lpcm16Microphone({ device: "default", clock: new SystemClock(), stallMs: 60_000 });
    for await (const _ of microphone.capture(stop.signal)) stop.abort();
    const pid = Number(await readFile(folder.join("pid"), "utf8"));
    expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: "ESRCH" }));
  });
});
