import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, systemErrorCode } from "../core/errors.ts";
import type { SherpaOptions } from "./speech-worker-protocol.ts";

export type SherpaModelKind = "transducer" | "whisper" | "paraformer" | "sense_voice";

export interface SherpaModel {
  readonly kind: SherpaModelKind;
  readonly options: SherpaOptions;
}

/** ONNX keeps its metadata behind the graph: sherpa-onnx's exporters write the model type there. */
const METADATA_TAIL_BYTES = 64 * 1024;
/** Every ONNX file is a protobuf that begins with field 1, ir_version, as a varint. */
const ONNX_FIRST_BYTE = 0x08;

/**
 * Recognises an unpacked sherpa-onnx speech-to-text model by its files (int8 variants preferred: boards).
 *
 * @param threads for the recogniser.
 * @throws AppError E_STT_MODEL: no such folder, no known layout, or a file that is not ONNX (sherpa-onnx itself would
 * end its process on that).
 * @see https://k2-fsa.github.io/sherpa/onnx/pretrained_models/
 */
export async function detectSherpaModel(folder: string, threads: number): Promise<SherpaModel> {
  const files = await listFolder(folder);
  const tokens = pick(files, /tokens\.txt$/);
  if (tokens === null) throw new AppError("E_STT_MODEL", `${folder} holds no tokens.txt`);
  const path = (name: string) => join(folder, name);
  const part = (name: string) => pick(files, new RegExp(`(^|[-_.])${name}([-_.][^/]*)?\\.onnx$`));
  const common = { tokens: path(tokens), numThreads: threads, provider: "cpu", debug: false };
  const encoder = part("encoder");
  const decoder = part("decoder");
  const joiner = part("joiner");
  const model = part("model");
  if (encoder !== null && decoder !== null) {
    await Promise.all([encoder, decoder, joiner].filter((name) => name !== null).map((name) => checkOnnx(path(name))));
    const hints = `${basename(folder)} ${encoder} ${await metadataTail(path(encoder))}`.toLowerCase();
    const pair = { encoder: path(encoder), decoder: path(decoder) };
    if (joiner !== null) {
      return {
        kind: "transducer",
        options: {
          streaming: /streaming|chunk/.test(hints),
          modelConfig: { ...common, transducer: { ...pair, joiner: path(joiner) } },
        },
      };
    }
    return hints.includes("paraformer")
      ? { kind: "paraformer", options: { streaming: true, modelConfig: { ...common, paraformer: pair } } }
      : { kind: "whisper", options: { streaming: false, modelConfig: { ...common, whisper: pair } } };
  }
  if (model !== null) {
    await checkOnnx(path(model));
    const hints = `${basename(folder)} ${await metadataTail(path(model))}`.toLowerCase();
    if (/sense[-_]?voice/.test(hints)) {
      return {
        kind: "sense_voice",
        options: { streaming: false, modelConfig: { ...common, senseVoice: { model: path(model), language: "en" } } },
      };
    }
    if (hints.includes("paraformer")) {
      return {
        kind: "paraformer",
        options: { streaming: false, modelConfig: { ...common, paraformer: { model: path(model) } } },
      };
    }
  }
  throw new AppError(
    "E_STT_MODEL",
    `${folder} is none of the known layouts: transducer, whisper, paraformer, sense-voice`,
  );
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new AppError("E_STT_MODEL", `cannot read ${folder} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
}

/** The int8 file when there is one, otherwise the first. */
function pick(files: readonly string[], pattern: RegExp): string | null {
  const matching = files.filter((name) => pattern.test(name));
  return matching.find((name) => name.includes("int8")) ?? matching[0] ?? null;
}

async function checkOnnx(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
    if (bytesRead !== 1 || buffer[0] !== ONNX_FIRST_BYTE) {
      throw new AppError("E_STT_MODEL", `${path} is not an ONNX file`);
    }
  } finally {
    await file.close();
  }
}

async function metadataTail(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, METADATA_TAIL_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("latin1");
  } finally {
    await file.close();
  }
}
