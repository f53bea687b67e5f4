import { AppError } from "../../core/errors.ts";
import { type GgufHeader, metadataNumber, metadataString } from "./gguf-header.ts";

/** LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS of llama.cpp v0.5.0. */
const MAX_LAYERS = 512;
const MAX_EXPERTS = 512;
const ROPE_SCALING_TYPES = ["none", "linear", "yarn", "longrope"];

/**
 * Refuses numbers on which llama.cpp does not throw but aborts the process (GGML_ASSERT) or divides by zero. The rules
 * are its own, of release v0.5.0: src/llama-model.cpp (load_hparams), src/models/llama.cpp, qwen2.cpp and qwen3.cpp; the
 * ones about layers and epsilon were found by changing bytes of a good file.
 *
 * @param isKnown for the three architectures whose head rules we know; others may give heads per layer.
 * @throws AppError E_MODEL_INVALID.
 */
export function checkModelShape(
  header: GgufHeader,
  architecture: string,
  vocabularyTokens: number,
  isKnown: boolean,
): void {
  const embedding = positiveInteger(header, `${architecture}.embedding_length`);
  const layers = positiveInteger(header, `${architecture}.block_count`);
  const hasLast = [...header.tensors.keys()].some((name) => name.startsWith(`blk.${layers - 1}.`));
  if (layers > MAX_LAYERS || !hasLast) throw invalid(`${layers} layers are announced, and the last one is not there`);
  const tokens = header.tensors.get("token_embd.weight");
  if (tokens === undefined) throw invalid("token_embd.weight is missing");
  if (tokens.shape[0] !== embedding || tokens.shape[1] !== vocabularyTokens) {
    throw invalid(`token_embd.weight is ${tokens.shape.join(" x ")}, expected ${embedding} x ${vocabularyTokens}`);
  }
  checkFloats(header, architecture);
  checkExperts(header, architecture);
  if (isKnown) checkProjections(header, architecture, embedding, vocabularyTokens);
}

/** @throws AppError E_MODEL_INVALID when missing, fractional or below 1. */
export function positiveInteger(header: GgufHeader, key: string): number {
  const value = metadataNumber(header, key);
  if (value === undefined || !Number.isInteger(value) || value < 1) {
    throw invalid(`${key} is missing or not a positive whole number`);
  }
  return value;
}

function checkFloats(header: GgufHeader, architecture: string): void {
  for (const name of ["attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "rope.freq_base"]) {
    const key = `${architecture}.${name}`;
    const value = metadataNumber(header, key);
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      throw invalid(`${key} is not a number of 0 or more`);
    }
  }
  const scaling = metadataString(header, `${architecture}.rope.scaling.type`) ?? "none";
  if (!ROPE_SCALING_TYPES.includes(scaling)) throw invalid(`rope.scaling.type ${JSON.stringify(scaling)} is unknown`);
}

function checkExperts(header: GgufHeader, architecture: string): void {
  const count = metadataNumber(header, `${architecture}.expert_count`) ?? 0;
  const used = metadataNumber(header, `${architecture}.expert_used_count`) ?? 0;
  const fits = count === 0 ? used === 0 : used > 0 && used <= count && count <= MAX_EXPERTS;
  if (!fits) throw invalid(`${used} of ${count} experts cannot be used`);
  const extraLayers = metadataNumber(header, `${architecture}.nextn_predict_layers`) ?? 0;
  if (extraLayers > positiveInteger(header, `${architecture}.block_count`)) {
    throw invalid(`${extraLayers} of its layers predict later tokens, which is more than it has`);
  }
}

interface Heads {
  /** Total widths of queries and of keys, which equal those of values. */
  readonly queries: number;
  readonly keys: number;
}

/** Llama.cpp compares shapes only after it has tried the announced ones out, which ggml may abort on. */
function checkProjections(header: GgufHeader, architecture: string, embedding: number, vocabularyTokens: number): void {
  const { queries, keys } = headsOf(header, architecture, embedding);
  const feedForward = positiveInteger(header, `${architecture}.feed_forward_length`);
  const expected: Record<string, readonly number[]> = {
    attn_norm: [embedding],
    ffn_norm: [embedding],
    attn_q: [embedding, queries],
    attn_k: [embedding, keys],
    attn_v: [embedding, keys],
    attn_output: [queries, embedding],
    ffn_gate: [embedding, feedForward],
    ffn_up: [embedding, feedForward],
    ffn_down: [feedForward, embedding],
  };
  for (const { name, shape } of header.tensors.values()) {
    const layerTensor = /^blk\.\d+\.(\w+)\.weight$/.exec(name)?.[1];
    const wanted =
      layerTensor !== undefined
        ? expected[layerTensor]
        : { "output.weight": [embedding, vocabularyTokens], "output_norm.weight": [embedding] }[name];
    if (wanted !== undefined && wanted.join() !== shape.join()) {
      throw invalid(`${name} is ${shape.join(" x ")}, expected ${wanted.join(" x ")}`);
    }
  }
}

function headsOf(header: GgufHeader, architecture: string, embedding: number): Heads {
  const key = (name: string) => `${architecture}.${name}`;
  const heads = positiveInteger(header, key("attention.head_count"));
  const keyHeads = header.metadata.has(key("attention.head_count_kv"))
    ? positiveInteger(header, key("attention.head_count_kv"))
    : heads;
  const keyWidth = metadataNumber(header, key("attention.key_length")) ?? embedding / heads;
  if (heads % keyHeads !== 0 || !Number.isInteger(keyWidth) || keyWidth < 1) {
    throw invalid(`${embedding} wide with ${heads} heads and ${keyHeads} key heads does not divide`);
  }
  const valueWidth = metadataNumber(header, key("attention.value_length")) ?? embedding / heads;
  const rotated = metadataNumber(header, key("rope.dimension_count")) ?? keyWidth;
  if (valueWidth !== keyWidth || rotated !== keyWidth) {
    throw invalid(`keys are ${keyWidth} wide, values ${valueWidth}, and ${rotated} of them are rotated: not the same`);
  }
  return { queries: heads * keyWidth, keys: keyHeads * keyWidth };
}

function invalid(message: string): AppError {
  return new AppError("E_MODEL_INVALID", message);
}
