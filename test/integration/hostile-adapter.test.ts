import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectAdapter } from "../../src/runtime/llm/adapter-file.ts";
import { inspectModel, type ModelFile } from "../../src/runtime/llm/model-file.ts";
import { buildGguf, text, u32 } from "../support/gguf-builder.ts";
import { buildTimeoutMs, buildTrainer, madeExamples, runTrainer, writeExamples } from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { adapterMetadata, seedAdapter, zeros } from "../support/tiny-models.ts";
import { SEED_MODEL } from "../support/trainer-rig.ts";

let folder = "";
let temp: TempDir;
let base: ModelFile;

beforeAll(async () => {
  folder = buildTrainer();
  temp = await makeTempDir("hostile");
  base = await inspectModel(SEED_MODEL);
}, buildTimeoutMs);
afterAll(() => temp?.dispose());

const good = seedAdapter(0.1);

/** The good adapter with bytes changed at a place found from one of its names. */
function changed(after: string, offset: number, write: (bytes: Buffer, at: number) => void): Buffer {
  const bytes = Buffer.from(good);
  write(bytes, (after === "" ? 0 : bytes.indexOf(after) + after.length) + offset);
  return bytes;
}

const huge = (bytes: Buffer, at: number) => bytes.writeBigUInt64LE(1n << 60n, at);
const pair = (a: readonly number[], b: readonly number[]) => [
  zeros("blk.0.attn_q.weight.lora_a", a),
  zeros("blk.0.attn_q.weight.lora_b", b),
];
const withMetadata = (metadata: Parameters<typeof buildGguf>[0]["metadata"]) =>
  buildGguf({ metadata: { ...adapterMetadata(4), ...metadata }, tensors: pair([192, 4], [4, 192]) });

/**
 * Name, bytes, and what each reader says. null: the language model looks at shapes only and would take it; the store gives it
 * nothing that the trainer has not measured.
 */
const FILES: readonly (readonly [what: string, bytes: Buffer, trainer: string, model: string | null])[] = [
  ["nothing", Buffer.alloc(0), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["cut inside the magic", good.subarray(0, 3), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["cut inside the counts", good.subarray(0, 20), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["cut inside the metadata", good.subarray(0, 70), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["cut inside the tensor table", good.subarray(0, 900), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["cut inside the weights", good.subarray(0, good.length - 4_096), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["2^60 tensors", changed("", 8, huge), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["2^60 keys", changed("", 16, huge), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["a key of 2^60 bytes", changed("", 24, huge), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["a value of 2^60 bytes", changed("general.type", 4, huge), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["a tensor 2^60 wide", changed("blk.0.attn_q.weight.lora_a", 4, huge), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  [
    "weights of 2^40 bytes in a small file",
    changed("blk.0.attn_q.weight.lora_a", 12, (bytes, at) => bytes.writeBigUInt64LE(1n << 30n, at)),
    "E_ADAPTER_INVALID",
    "E_ADAPTER_INVALID",
  ],
  [
    "weights that are no numbers",
    changed("", good.length - 64, (bytes, at) => bytes.writeFloatLE(Number.NaN, at)),
    "E_ADAPTER_INVALID",
    null,
  ],
  [
    "infinite weights",
    changed("", good.length - 64, (bytes, at) => bytes.writeFloatLE(Number.POSITIVE_INFINITY, at)),
    "E_ADAPTER_INVALID",
    null,
  ],
  [
    "another base's fingerprint",
    withMetadata({ "asls.base_fingerprint": text("0".repeat(64)) }),
    "E_ADAPTER_MISMATCH",
    null,
  ],
  [
    "another architecture",
    withMetadata({ "general.architecture": text("qwen2") }),
    "E_ADAPTER_MISMATCH",
    "E_ADAPTER_MISMATCH",
  ],
  ["no LoRA", withMetadata({ "adapter.type": text("control_vector") }), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  ["alpha of another type", withMetadata({ "adapter.lora.alpha": u32(4) }), "E_ADAPTER_INVALID", "E_ADAPTER_INVALID"],
  [
    "a matrix of another width",
    buildGguf({ metadata: adapterMetadata(4), tensors: pair([256, 4], [4, 192]) }),
    "E_ADAPTER_MISMATCH",
    "E_ADAPTER_MISMATCH",
  ],
  [
    "half a pair",
    buildGguf({ metadata: adapterMetadata(4), tensors: pair([192, 4], [4, 192]).slice(0, 1) }),
    "E_ADAPTER_MISMATCH",
    "E_ADAPTER_INVALID",
  ],
  [
    "2^30 ranks of matrices without width, which take no bytes",
    buildGguf({ metadata: adapterMetadata(4), tensors: pair([0, 2 ** 30], [2 ** 30, 0]) }),
    "E_ADAPTER_MISMATCH",
    "E_ADAPTER_INVALID",
  ],
  ["rank 0", buildGguf({ metadata: adapterMetadata(4), tensors: [] }), "E_ADAPTER_MISMATCH", "E_ADAPTER_INVALID"],
];

describe("a hostile adapter file", () => {
  test.each(FILES)(
    "%s: each reader answers with its code, and nothing crashes",
    async (what, bytes, trainer, model) => {
      const path = temp.join(`${what.replaceAll(/\W/g, "_")}.gguf`);
      writeFileSync(path, bytes);
      const data = writeExamples(temp.join("data.jsonl"), madeExamples(1, 24));
      const run = await runTrainer({ mode: "evaluate", model: SEED_MODEL, data, init_adapter: path }, { folder });
      expect([run.messages.at(-1)?.code, run.code]).toEqual([trainer, 65]);
      const inspected = await inspectAdapter(path, base).then(
        () => null,
        (error: { code?: string }) => error.code,
      );
      expect(inspected).toBe(model);
    },
  );
});
