import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { SystemClock } from "../../../../src/core/clock.ts";
import { EspeakTextToSpeech } from "../../../../src/runtime/output/espeak-text-to-speech.ts";
import { FliteTextToSpeech } from "../../../../src/runtime/output/flite-text-to-speech.ts";
import { SherpaTextToSpeech } from "../../../../src/runtime/output/sherpa-text-to-speech.ts";
import { describeWhen, lacksProgram } from "../../../support/describe-when.ts";
import { eventually } from "../../../support/eventually.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";
import { writeTinyVoice } from "../../../support/tiny-voice.ts";

const never = new AbortController().signal;
const SECRET = "My secret word is marmalade.";

interface Child {
  readonly pid: number;
  /** As `ps` shows it to everybody. */
  readonly commandLine: string;
}

/** Our own living children whose command line holds that text. */
function children(text: string): Child[] {
  const lines = execFileSync("ps", ["-ww", "-o", "pid=,ppid=,stat=,args=", "-e"], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === process.pid && !state?.startsWith("Z"))
    .map(([pid, , , ...args]) => ({ pid: Number(pid), commandLine: args.join(" ") }))
    .filter(({ commandLine }) => commandLine.includes(text));
}

describeWhen(lacksProgram("flite"), "flite", () => {
  test("an unknown voice is E_TTS_UNAVAILABLE and names those there are, instead of another voice", async () => {
    const voice = new FliteTextToSpeech({ voice: "nosuch", runtimeDir: tmpdir() });
    await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({
      code: "E_TTS_UNAVAILABLE",
      hint: expect.stringContaining("slt"),
    });
  });

  test("leaves no file in the runtime folder and no text on a command line", async () => {
    await using folder = await makeTempDir("flite");
    const voice = new FliteTextToSpeech({ voice: "slt", runtimeDir: folder.path });
    await voice.synthesize("Hello.", never);
    const speaking = voice.synthesize(SECRET.repeat(20), never);
    let seen: Child[] = [];
    await eventually(() => {
      seen = children("/proc/self/fd/3");
      return seen.length > 0;
    });
    expect(seen.map(({ commandLine }) => commandLine)).toEqual([
      "flite -voice slt -f /proc/self/fd/3 -o /proc/self/fd/4",
    ]);
    expect(await readdir(folder.path)).toEqual([]);
    await speaking;
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("a runtime folder that is not there is E_FILE_UNWRITABLE", async () => {
    const voice = new FliteTextToSpeech({ voice: "slt", runtimeDir: "/nonexistent/asls" });
    await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_FILE_UNWRITABLE" });
  });
});

test("a flite or espeak-ng that is not installed is E_TTS_UNAVAILABLE with the package to install", async () => {
  const flite = new FliteTextToSpeech({ voice: "slt", runtimeDir: tmpdir(), command: "no-flite" });
  const espeak = new EspeakTextToSpeech({ voice: "en-us", command: "no-espeak" });
  await expect(flite.synthesize("Hello.", never)).rejects.toMatchObject({
    code: "E_TTS_UNAVAILABLE",
    hint: "apt install flite",
  });
  await expect(espeak.synthesize("Hello.", never)).rejects.toMatchObject({
    code: "E_TTS_UNAVAILABLE",
    hint: "apt install espeak-ng",
  });
});

describeWhen(lacksProgram("espeak-ng"), "espeak-ng", () => {
  test("an unknown voice is E_TTS_UNAVAILABLE", async () => {
    const voice = new EspeakTextToSpeech({ voice: "xx-nosuch" });
    await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_UNAVAILABLE" });
  });

  test("speaks German with its umlauts", async () => {
    const voice = new EspeakTextToSpeech({ voice: "de" });
    expect((await voice.synthesize("Die Küche ist schön.", never)).samples.length).toBeGreaterThan(10_000);
  });
});

test("an engine that ends with 1 is E_TTS_FAILED without the text", async () => {
  const voice = new EspeakTextToSpeech({ voice: "en-us", command: "false" });
  const error = await voice.synthesize(SECRET, never).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "E_TTS_FAILED" });
  expect(String(error)).not.toContain("marmalade");
});

test.each([
  ["no folder", null],
  ["an empty folder", {}],
  ["a model without tokens", { "model.onnx": "\x08" }],
  ["a model that is no ONNX", { "model.onnx": "not a model", "tokens.txt": "a 1\n" }],
] as const)("sherpa: %s is E_TTS_UNAVAILABLE", async (_, files) => {
  await using folder = await makeTempDir("sherpa");
  const modelDir = files === null ? folder.join("missing") : folder.path;
  for (const [name, text] of Object.entries<string>(files ?? {})) await writeFile(folder.join(name), text);
  await using voice = new SherpaTextToSpeech({ modelDir, voice: "", clock: new SystemClock() });
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_UNAVAILABLE" });
});

test("sherpa: a truncated model ends the voice's child, not this process, and the next call tries again", async () => {
  await using folder = await makeTempDir("sherpa");
  // the first bytes of a real ONNX file: ir_version 8, then a field that never ends
  await writeFile(folder.join("model.onnx"), Buffer.from([0x08, 0x08, 0x12, 0xff, 0xff, 0x03]));
  await writeFile(folder.join("tokens.txt"), "a 1\n");
  await mkdir(folder.join("espeak-ng-data"));
  await using voice = new SherpaTextToSpeech({ modelDir: folder.path, voice: "", clock: new SystemClock() });
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_UNAVAILABLE" });
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_UNAVAILABLE" });
});

test("sherpa: a child that is killed while it has the voice open fails one sentence and is replaced at the next", async () => {
  await using folder = await makeTempDir("sherpa");
  await writeTinyVoice(folder.path);
  await using voice = new SherpaTextToSpeech({ modelDir: folder.path, voice: "0", clock: new SystemClock() });
  const before = await voice.synthesize("Hello.", never);
  for (const { pid } of children("sherpa-voice-child")) process.kill(pid, "SIGKILL");
  await eventually(() => children("sherpa-voice-child").length === 0);
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_FAILED" });
  expect((await voice.synthesize("Hello.", never)).samples).toEqual(before.samples);
});

test("sherpa: a speaker the voice does not have is E_TTS_UNAVAILABLE, and no child is left behind", async () => {
  await using folder = await makeTempDir("sherpa");
  await writeTinyVoice(folder.path);
  const voice = new SherpaTextToSpeech({ modelDir: folder.path, voice: "3", clock: new SystemClock() });
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({
    code: "E_TTS_UNAVAILABLE",
    message: expect.stringContaining("no number 3"),
  });
  expect(children("sherpa-voice-child")).toEqual([]);
  await voice[Symbol.asyncDispose]();
});
