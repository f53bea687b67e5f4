import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { SystemClock } from "../../../src/core/clock.ts";
import { SYSTEM_MODEL_DIR } from "../../../src/sensors/hearing.ts";
import { openPocketsphinx } from "../../../src/sensors/pocketsphinx-speech-to-text.ts";
import { PocketsphinxWake } from "../../../src/sensors/pocketsphinx-wake.ts";
import { detectSherpaModel } from "../../../src/sensors/sherpa-model-folder.ts";
import { openSherpa } from "../../../src/sensors/sherpa-speech-to-text.ts";
import { SileroVad } from "../../../src/sensors/silero-vad.ts";
import { SpeechWorker } from "../../../src/sensors/speech-worker-client.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { lacksPocketsphinx } from "../../support/pocketsphinx.ts";
import { clipFrames } from "../../support/speech-clips.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const VAD_MODEL = `${packageRoot}models/silero_vad_v5.onnx`;

describe("speech worker", () => {
  test("a damaged or missing detector model is E_VAD_UNAVAILABLE, and the process lives", async () => {
    await using folder = await makeTempDir("vad");
    const bytes = await readFile(VAD_MODEL);
    await writeFile(folder.join("short.onnx"), bytes.subarray(0, 100_000));
    for (const name of ["short.onnx", "none.onnx"]) {
      await using vad = new SileroVad(
        { modelPath: folder.join(name), threshold: 0.5, releaseAfterMs: 60_000 },
        new SystemClock(),
      );
      await expect(vad.check()).rejects.toMatchObject({ code: "E_VAD_UNAVAILABLE" });
      await expect(vad.isSpeech(new Int16Array(512))).rejects.toMatchObject({ code: "E_VAD_UNAVAILABLE" });
    }
  });

  test("after dispose every call is E_ABORTED, also the ones under way", async () => {
    const worker = new SpeechWorker("thread");
    const pending = worker.call("open_vad", { modelPath: VAD_MODEL, threshold: 0.5 }).catch((error: unknown) => error);
    await worker[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ code: "E_ABORTED" });
    await expect(worker.call("vad_reset", null)).rejects.toMatchObject({ code: "E_ABORTED" });
    await worker[Symbol.asyncDispose]();
  });

  test("a child process serves the same calls, and its death is E_HEARING_WORKER", async () => {
    await using worker = new SpeechWorker("process");
    await worker.call("open_vad", { modelPath: VAD_MODEL, threshold: 0.5 });
    const decisions: boolean[] = [];
    for (const frame of await clipFrames("call-me-sam-slt")) decisions.push(await worker.call("vad_frame", frame));
    expect(decisions.filter(Boolean).length).toBeGreaterThan(10);
    const children = execFileSync("pgrep", ["-P", String(process.pid), "-f", "speech-worker"])
      .toString()
      .trim()
      .split("\n");
    expect(children).toHaveLength(1);
    process.kill(Number(children[0]), "SIGKILL");
    await expect(worker.call("vad_frame", new Int16Array(512))).rejects.toMatchObject({ code: "E_HEARING_WORKER" });
  });
});

describeWhen(lacksPocketsphinx(), "pocketsphinx in a speech worker", () => {
  const wakeFiles = {
    acousticModelDir: `${SYSTEM_MODEL_DIR}/en-us`,
    dictionaryPath: `${SYSTEM_MODEL_DIR}/cmudict-en-us.dict`,
    threshold: 1e-20,
  };

  test.each(["hi", "okay zorblax", "...", "go"])("the wake phrase %j is E_WAKE_PHRASE", async (phrase) => {
    await using worker = new SpeechWorker("thread");
    await expect(PocketsphinxWake.open(worker, { ...wakeFiles, phrase })).rejects.toMatchObject({
      code: "E_WAKE_PHRASE",
    });
  });

  test("the phrase is found once, its end within 50 ms of the truth, and not in another sentence", async () => {
    await using worker = new SpeechWorker("thread");
    const wake = await PocketsphinxWake.open(worker, { ...wakeFiles, phrase: "okay computer" });
    const events: string[] = [];
    let endMs = 0;
    const frames = await clipFrames("okay-computer-turn-on-the-kitchen-lights-rms");
    for (const [i, frame] of frames.entries()) {
      const hit = await wake.accept(frame);
      if (hit !== null) events.push(hit.event);
      if (hit?.event === "ended") endMs = (i + 1) * 32 - hit.endedMsAgo;
    }
    // the clip says the phrase from 140 to 1300 ms, after 320 ms of room
    expect(events).toEqual(["recognised", "ended"]);
    expect(Math.abs(endMs - 1_620)).toBeLessThan(50);
    wake.reset();
    for (const frame of await clipFrames("go-forward-ten-meters-human")) expect(await wake.accept(frame)).toBeNull();
  });

  test("a truncated language model or dictionary is E_STT_UNAVAILABLE, and the process lives", async () => {
    await using folder = await makeTempDir("lm");
    const home = `${packageRoot}build/home-lm`;
    const lm = await readFile(`${home}/home.lm.bin`);
    await writeFile(folder.join("short.lm.bin"), lm.subarray(0, lm.length / 2));
    await writeFile(folder.join("empty.lm.bin"), "");
    await using worker = new SpeechWorker("thread");
    for (const name of ["short.lm.bin", "empty.lm.bin", "none.lm.bin"]) {
      await expect(
        openPocketsphinx(worker, {
          acousticModelDir: wakeFiles.acousticModelDir,
          dictionaryPath: `${home}/home.dict`,
          languageModelPath: folder.join(name),
          openTalk: null,
        }),
      ).rejects.toMatchObject({ code: "E_STT_UNAVAILABLE" });
    }
  });
});

describe("sherpa-onnx model folders", () => {
  const layouts = [
    [
      "transducer",
      "sherpa-onnx-streaming-zipformer-en",
      ["encoder-epoch-99.onnx", "decoder-epoch-99.onnx", "joiner-epoch-99.onnx", "tokens.txt"],
      true,
    ],
    [
      "transducer",
      "sherpa-onnx-zipformer-en",
      ["encoder.int8.onnx", "decoder.onnx", "joiner.int8.onnx", "tokens.txt"],
      false,
    ],
    [
      "whisper",
      "sherpa-onnx-whisper-tiny.en",
      ["tiny.en-encoder.int8.onnx", "tiny.en-decoder.int8.onnx", "tiny.en-tokens.txt"],
      false,
    ],
    ["paraformer", "sherpa-onnx-paraformer-en", ["model.int8.onnx", "tokens.txt"], false],
    ["sense_voice", "sherpa-onnx-sense-voice-zh-en", ["model.int8.onnx", "tokens.txt"], false],
  ] as const;

  test.each(layouts)("%s is recognised in %s", async (kind, name, files, streaming) => {
    await using folder = await makeTempDir("sherpa");
    const model = folder.join(name);
    await mkdir(model);
    for (const file of files) {
      if (file.endsWith(".onnx")) await copyFile(VAD_MODEL, `${model}/${file}`);
      else await writeFile(`${model}/${file}`, "a 0\n");
    }
    expect(await detectSherpaModel(model, 2)).toMatchObject({ kind, options: { streaming } });
  });

  test("no folder, no tokens.txt, no model, and a file that is not ONNX are E_STT_MODEL", async () => {
    await using folder = await makeTempDir("sherpa");
    const refused = async () => {
      await expect(detectSherpaModel(folder.path, 2)).rejects.toMatchObject({ code: "E_STT_MODEL" });
    };
    await expect(detectSherpaModel(folder.join("none"), 2)).rejects.toMatchObject({ code: "E_STT_MODEL" });
    await refused();
    await writeFile(folder.join("tokens.txt"), "a 0\n");
    await refused();
    await writeFile(folder.join("paraformer-model.onnx"), "<html>not found</html>");
    await refused();
  });

  test("a model that makes sherpa-onnx abort its process is E_STT_MODEL, and ours lives", async () => {
    await using folder = await makeTempDir("sherpa");
    const bytes = await readFile(VAD_MODEL);
    await writeFile(folder.join("tokens.txt"), "a 0\n");
    await writeFile(folder.join("paraformer-model.onnx"), bytes.subarray(0, 100_000));
    await mkdir(folder.join("paraformer"));
    await copyFile(folder.join("tokens.txt"), folder.join("paraformer", "tokens.txt"));
    await copyFile(folder.join("paraformer-model.onnx"), folder.join("paraformer", "model.onnx"));
    await using worker = new SpeechWorker("process");
    await expect(openSherpa(worker, { modelDir: folder.join("paraformer"), threads: 1 })).rejects.toMatchObject({
      code: "E_STT_MODEL",
    });
  });
});
