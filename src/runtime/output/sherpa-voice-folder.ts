import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, systemErrorCode } from "../../core/errors.ts";

export type SherpaVoiceKind = "vits" | "matcha" | "kokoro" | "kitten";

/** What sherpa-onnx wants to know of a voice: file paths by its own names. */
export interface SherpaVoice {
  readonly kind: SherpaVoiceKind;
  readonly files: Readonly<Record<string, string>>;
}

/** Every ONNX file is a protobuf that begins with field 1, ir_version, as a varint. */
const ONNX_FIRST_BYTE = 0x08;

/**
 * Recognises an unpacked sherpa-onnx voice by its files: VITS (Piper), Matcha, Kokoro or Kitten; int8 preferred.
 *
 * @throws AppError E_TTS_UNAVAILABLE: no such folder, no known layout, or a model that is not ONNX (on which sherpa-onnx
 * would end its process).
 * @see https://k2-fsa.github.io/sherpa/onnx/tts/pretrained_models/
 */
export async function detectSherpaVoice(folder: string): Promise<SherpaVoice> {
  const names = await listFolder(folder);
  const path = (name: string) => join(folder, name);
  const has = (name: string) => names.includes(name);
  const onnx = names.filter((name) => name.endsWith(".onnx"));
  if (!has("tokens.txt") || onnx.length === 0) {
    throw new AppError("E_TTS_UNAVAILABLE", `${folder} holds no voice: tokens.txt and an .onnx model are needed`);
  }
  const common = {
    tokens: path("tokens.txt"),
    ...(has("espeak-ng-data") ? { dataDir: path("espeak-ng-data") } : {}),
    ...lexicons(names, path),
  };
  const vocoder = onnx.find((name) => /^(vocos|hifigan|.*vocoder)/.test(name));
  const model = onnx.find((name) => name !== vocoder && name.includes("int8")) ?? onnx.find((name) => name !== vocoder);
  if (model === undefined) throw new AppError("E_TTS_UNAVAILABLE", `${folder} holds a vocoder without a voice`);
  await Promise.all([model, vocoder].filter((name) => name !== undefined).map((name) => checkOnnx(path(name))));
  if (vocoder !== undefined) {
    return { kind: "matcha", files: { ...common, acousticModel: path(model), vocoder: path(vocoder) } };
  }
  if (has("voices.bin")) {
    const kind = /kitten/i.test(basename(folder)) || model.includes("fp16") ? "kitten" : "kokoro";
    return { kind, files: { ...common, model: path(model), voices: path("voices.bin") } };
  }
  return { kind: "vits", files: { ...common, model: path(model) } };
}

function lexicons(names: readonly string[], path: (name: string) => string): Record<string, string> {
  const found = names.filter((name) => /^lexicon.*\.txt$/.test(name)).map(path);
  return found.length === 0 ? {} : { lexicon: found.join(",") };
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new AppError("E_TTS_UNAVAILABLE", `cannot read ${folder} (${systemErrorCode(error) ?? "unknown reason"})`, {
      hint: "Set tts.modelDir to the folder of an unpacked sherpa-onnx voice.",
      cause: error,
    });
  }
}

async function checkOnnx(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
    if (bytesRead !== 1 || buffer[0] !== ONNX_FIRST_BYTE) {
      throw new AppError("E_TTS_UNAVAILABLE", `${path} is not an ONNX file`);
    }
  } finally {
    await file.close();
  }
}
