import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { inspectAdapter } from "../../../src/runtime/llm/adapter-file.ts";
import { inspectModel } from "../../../src/runtime/llm/model-file.ts";
import { buildGguf, f32, text, u32 } from "../../support/gguf-builder.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { adapterMetadata, seedAdapter, tinyLlamaPlan, zeros } from "../../support/tiny-models.ts";

const seedModel = `${packageRoot}models/seed-q8_0.gguf`;
let folder: TempDir;
let counter = 0;

beforeAll(async () => {
  folder = await makeTempDir("model-file");
});
afterAll(() => folder.dispose());

async function file(bytes: Uint8Array): Promise<string> {
  const path = folder.join(`${counter++}.gguf`);
  await writeFile(path, bytes);
  return path;
}

describe("inspectModel", () => {
  test("the shipped model: 1,967,808 parameters in Q8_0, trained on 2,048 tokens", async () => {
    expect(await inspectModel(seedModel)).toMatchObject({
      name: "seed chat 2M",
      architecture: "llama",
      quantisation: "Q8_0",
      parameters: 1_967_808,
      trainedContextTokens: 2048,
      vocabularyTokens: 2048,
      chatTemplate: expect.stringContaining("<|im_start|>"),
    });
  });

  test("a Mamba model: E_ARCH_UNSUPPORTED by name, unless it is allowed", async () => {
    const plan = tinyLlamaPlan({
      "general.architecture": text("mamba"),
      "mamba.context_length": u32(128),
      "mamba.embedding_length": u32(8),
      "mamba.block_count": u32(1),
    });
    const path = await file(buildGguf(plan));
    await expect(inspectModel(path)).rejects.toMatchObject({
      code: "E_ARCH_UNSUPPORTED",
      details: { architecture: "mamba" },
    });
    await expect(inspectModel(path, ["mamba"])).resolves.toMatchObject({ architecture: "mamba" });
  });

  test.each([
    ["0 key heads", { "llama.attention.head_count_kv": u32(0) }],
    ["0 heads", { "llama.attention.head_count": u32(0) }],
    ["3 heads for 8 dimensions", { "llama.attention.head_count": u32(3), "llama.attention.head_count_kv": u32(3) }],
    ["65,536 layers (llama.cpp aborts above 512)", { "llama.block_count": u32(65_536) }],
    ["2 layers of which one is there", { "llama.block_count": u32(2) }],
    ["a negative norm epsilon (ggml aborts)", { "llama.attention.layer_norm_rms_epsilon": f32(-1) }],
    ["a norm epsilon that is no number", { "llama.attention.layer_norm_rms_epsilon": f32(Number.NaN) }],
    ["rotation of half a head (llama.cpp aborts)", { "llama.rope.dimension_count": u32(2) }],
    ["values of another width than keys (llama.cpp aborts)", { "llama.attention.value_length": u32(8) }],
    ["more experts in use than there are (llama.cpp aborts)", { "llama.expert_used_count": u32(2) }],
    ["an unknown rope scaling (llama.cpp aborts)", { "llama.rope.scaling.type": text("spiral") }],
    ["a feed-forward length that is a text (llama.cpp aborts)", { "llama.feed_forward_length": text("16") }],
    ["a context of 1.5 tokens", { "llama.context_length": f32(1.5) }],
    [
      "token types for 3 of 4 tokens",
      { "tokenizer.ggml.token_type": { type: "array", of: "i32", values: [1, 1, 1] } as const },
    ],
    [
      "an embedding of another vocabulary",
      { "tokenizer.ggml.tokens": { type: "array", of: "string", values: ["a"] } as const },
    ],
    ["an adapter instead of a model", { "general.type": text("adapter") }],
  ])("%s: E_MODEL_INVALID", async (_name, changes) => {
    const path = await file(buildGguf(tinyLlamaPlan(changes)));
    await expect(inspectModel(path)).rejects.toMatchObject({ code: "E_MODEL_INVALID" });
  });

  test.each([
    ["a feed-forward of 3 in a file with 16 (ggml aborts)", "ffn_down", [16, 8]],
    ["an attention projection of half the width", "attn_q", [8, 4]],
    ["a norm of another width", "attn_norm", [4]],
  ] as const)("%s: E_MODEL_INVALID", async (_name, tensor, shape) => {
    const plan = tinyLlamaPlan({ "llama.feed_forward_length": u32(3) });
    const tensors = [...plan.tensors.slice(0, 1), zeros(`blk.0.${tensor}.weight`, shape)];
    const path = await file(buildGguf({ ...plan, tensors }));
    await expect(inspectModel(path)).rejects.toMatchObject({ code: "E_MODEL_INVALID" });
  });

  test("no architecture at all: E_MODEL_INVALID", async () => {
    const path = await file(buildGguf({ metadata: {}, tensors: [zeros("t", [4])] }));
    await expect(inspectModel(path)).rejects.toMatchObject({ code: "E_MODEL_INVALID" });
  });
});

describe("inspectAdapter", () => {
  const pair = (a: readonly number[], b: readonly number[], name = "blk.0.attn_q.weight") => [
    zeros(`${name}.lora_a`, a),
    zeros(`${name}.lora_b`, b),
  ];

  test("an adapter for the shipped model: rank 4 and its SHA-256", async () => {
    const facts = await inspectAdapter(await file(seedAdapter(0.1)), await inspectModel(seedModel));
    expect(facts.rank).toBe(4);
    expect(facts.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ["no file", null, "E_ADAPTER_INVALID"],
    ["a model instead of an adapter", buildGguf(tinyLlamaPlan()), "E_ADAPTER_INVALID"],
    ["a truncated adapter", seedAdapter(0.1).subarray(0, 5000), "E_ADAPTER_INVALID"],
    ["an adapter without tensors", buildGguf({ metadata: adapterMetadata(4), tensors: [] }), "E_ADAPTER_INVALID"],
    [
      "alpha as a whole number (llama.cpp would abort)",
      buildGguf({
        metadata: { ...adapterMetadata(4), "adapter.lora.alpha": u32(4) },
        tensors: pair([192, 4], [4, 192]),
      }),
      "E_ADAPTER_INVALID",
    ],
    [
      "alpha NaN",
      buildGguf({ metadata: adapterMetadata(Number.NaN), tensors: pair([192, 4], [4, 192]) }),
      "E_ADAPTER_INVALID",
    ],
    [
      "half a pair",
      buildGguf({ metadata: adapterMetadata(4), tensors: pair([192, 4], [4, 192]).slice(0, 1) }),
      "E_ADAPTER_INVALID",
    ],
    [
      "a tensor that is no LoRA",
      buildGguf({ metadata: adapterMetadata(4), tensors: [zeros("blk.0.attn_q.weight", [4])] }),
      "E_ADAPTER_INVALID",
    ],
    [
      "one for qwen2",
      buildGguf({ metadata: adapterMetadata(4, "qwen2"), tensors: pair([192, 4], [4, 192]) }),
      "E_ADAPTER_MISMATCH",
    ],
    [
      "one for a wider model",
      buildGguf({ metadata: adapterMetadata(4), tensors: pair([256, 4], [4, 256]) }),
      "E_ADAPTER_MISMATCH",
    ],
    [
      "two ranks in one pair",
      buildGguf({ metadata: adapterMetadata(4), tensors: pair([192, 4], [8, 192]) }),
      "E_ADAPTER_MISMATCH",
    ],
    [
      "one for layer 9 of 4",
      buildGguf({ metadata: adapterMetadata(4), tensors: pair([192, 4], [4, 192], "blk.9.attn_q.weight") }),
      "E_ADAPTER_MISMATCH",
    ],
  ])("%s: refused with its code", async (_name, bytes, code) => {
    const path = bytes === null ? folder.join("none.gguf") : await file(bytes);
    await expect(inspectAdapter(path, await inspectModel(seedModel))).rejects.toMatchObject({ code });
  });
});
