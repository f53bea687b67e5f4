import { type BuiltTensor, type BuiltValue, buildGguf, f32, type GgufPlan, text, u32 } from "./gguf-builder.ts";

/** A llama file whose header is right in every respect; its weights are zeros and no engine is meant to run it. */
export function tinyLlamaPlan(changes: Partial<Record<string, BuiltValue>> = {}): GgufPlan {
  const metadata: Record<string, BuiltValue> = {
    "general.architecture": text("llama"),
    "general.name": text("tiny"),
    "llama.context_length": u32(128),
    "llama.embedding_length": u32(8),
    "llama.block_count": u32(1),
    "llama.feed_forward_length": u32(16),
    "llama.attention.head_count": u32(2),
    "llama.attention.head_count_kv": u32(1),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.tokens": { type: "array", of: "string", values: ["<s>", "</s>", "a", "b"] },
    "tokenizer.ggml.token_type": { type: "array", of: "i32", values: [3, 3, 1, 1] },
  };
  for (const [key, value] of Object.entries(changes)) if (value !== undefined) metadata[key] = value;
  return { metadata, tensors: [zeros("token_embd.weight", [8, 4]), zeros("blk.0.attn_q.weight", [8, 8])] };
}

export function zeros(name: string, shape: readonly number[]): BuiltTensor {
  return { name, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

/** Projections of the shipped model that an adapter may change: [in, out]. */
const SEED_PROJECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  attn_q: [192, 192],
  attn_k: [192, 64],
  attn_v: [192, 64],
  attn_output: [192, 192],
  ffn_gate: [192, 512],
  ffn_up: [192, 512],
  ffn_down: [512, 192],
};

/**
 * A LoRA adapter for the shipped model: pseudo-random weights of `strength` in every projection of every layer, so that
 * greedy answers change; strength 0 changes nothing.
 */
export function seedAdapter(strength: number, seed = 1, rank = 4, layers = 4): Buffer {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const tensors: BuiltTensor[] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (const [name, [width, height]] of Object.entries(SEED_PROJECTIONS)) {
      const a = Float32Array.from({ length: width * rank }, () => random() * 0.1);
      const b = Float32Array.from({ length: rank * height }, () => random() * strength);
      tensors.push({ name: `blk.${layer}.${name}.weight.lora_a`, shape: [width, rank], data: a });
      tensors.push({ name: `blk.${layer}.${name}.weight.lora_b`, shape: [rank, height], data: b });
    }
  }
  return buildGguf({ metadata: adapterMetadata(rank), tensors });
}

export function adapterMetadata(alpha: number, architecture = "llama"): Record<string, BuiltValue> {
  return {
    "general.type": text("adapter"),
    "general.architecture": text(architecture),
    "adapter.type": text("lora"),
    "adapter.lora.alpha": f32(alpha),
  };
}
