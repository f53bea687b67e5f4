import { AppError } from "../../core/errors.ts";
import { fileSha256 } from "../../core/file-hash.ts";
import { type GgufHeader, type GgufTensor, metadataNumber, metadataString, readGgufHeader } from "./gguf-header.ts";
import type { ModelFile } from "./model-file.ts";

export interface AdapterFacts {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly rank: number;
}

/**
 * Checks a LoRA adapter against its base model before native code sees it.
 * The rules are those of llama.cpp's loader (src/llama-adapter.cpp), which asserts on some of them.
 *
 * @throws AppError E_ADAPTER_INVALID (missing, damaged, not a LoRA), E_ADAPTER_MISMATCH (of another base model).
 */
export async function inspectAdapter(path: string, base: ModelFile): Promise<AdapterFacts> {
  const header = await readGgufHeader(path).catch((error: unknown) => {
    const reason = error instanceof AppError ? `${error.code}: ${error.message}` : "unreadable";
    throw new AppError("E_ADAPTER_INVALID", `the adapter ${path} cannot be used (${reason})`, { cause: error });
  });
  if (metadataString(header, "general.type") !== "adapter" || metadataString(header, "adapter.type") !== "lora") {
    throw new AppError("E_ADAPTER_INVALID", `${path} is not a LoRA adapter`);
  }
  const alpha = header.metadata.get("adapter.lora.alpha");
  if (alpha?.type !== "f32" || !Number.isFinite(metadataNumber(header, "adapter.lora.alpha"))) {
    throw new AppError("E_ADAPTER_INVALID", `${path} has no finite adapter.lora.alpha`);
  }
  const architecture = metadataString(header, "general.architecture");
  if (architecture !== base.architecture) {
    throw new AppError(
      "E_ADAPTER_MISMATCH",
      `${path} was trained on a ${JSON.stringify(architecture ?? "nameless")} model, the base is ${JSON.stringify(base.architecture)}`,
    );
  }
  const rank = checkPairs(path, header, base.header);
  return { sha256: await fileSha256(path), sizeBytes: header.sizeBytes, rank };
}

function checkPairs(path: string, adapter: GgufHeader, base: GgufHeader): number {
  let rank = 0;
  for (const { name } of adapter.tensors.values()) {
    if (name.endsWith("_norm.weight")) continue; // llama.cpp ignores them
    const target = /^(.+)\.lora_[ab]$/.exec(name)?.[1];
    if (target === undefined) {
      throw new AppError("E_ADAPTER_INVALID", `${path} holds ${JSON.stringify(name)}, which is no LoRA tensor`);
    }
    const a = adapter.tensors.get(`${target}.lora_a`);
    const b = adapter.tensors.get(`${target}.lora_b`);
    if (a === undefined || b === undefined) {
      throw new AppError("E_ADAPTER_INVALID", `${path} holds only one half of ${JSON.stringify(target)}`);
    }
    const weight = base.tensors.get(target);
    if (weight === undefined) {
      throw new AppError("E_ADAPTER_MISMATCH", `${path} adapts ${JSON.stringify(target)}, which the base model lacks`);
    }
    rank = Math.max(rank, pairRank(path, target, weight, a, b));
  }
  if (rank === 0) throw new AppError("E_ADAPTER_INVALID", `${path} holds no LoRA tensors`);
  return rank;
}

function pairRank(path: string, target: string, weight: GgufTensor, a: GgufTensor, b: GgufTensor): number {
  // llama.cpp looks tokens up in A of the embedding, so there both are stored the other way round.
  const fits =
    target === "token_embd.weight"
      ? weight.shape[0] === b.shape[1] && weight.shape[1] === a.shape[1] && a.shape[0] === b.shape[0]
      : weight.shape[0] === a.shape[0] && weight.shape[1] === b.shape[1] && a.shape[1] === b.shape[0];
  if (!fits || a.shape.length !== 2 || b.shape.length !== 2) {
    throw new AppError(
      "E_ADAPTER_MISMATCH",
      `${path}: ${JSON.stringify(target)} is ${weight.shape.join(" x ")} but its adapter is ${a.shape.join(" x ")} and ${b.shape.join(" x ")}`,
    );
  }
  return b.shape[0] ?? 0;
}
