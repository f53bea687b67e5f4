// Good inputs for the trainer's fuzzer: node deploy/fuzz-seeds.mjs READER FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [reader, folder] = process.argv.slice(2);
const save = (name, bytes) => writeFileSync(join(folder, name), bytes);

/** The smallest whole GGUF of one tensor: names and sizes are what a fuzzer plays with. */
function gguf(entries, tensors) {
  const text = (value) => [u64(Buffer.byteLength(value)), Buffer.from(value)];
  const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const f32 = (value) => Buffer.from(Float32Array.of(value).buffer);
  const parts = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(Object.keys(entries).length)];
  for (const [key, value] of Object.entries(entries)) {
    if (typeof value === "string") parts.push(...text(key), u32(8), ...text(value));
    else if (Number.isInteger(value)) parts.push(...text(key), u32(4), u32(value));
    else parts.push(...text(key), u32(6), f32(value));
  }
  let offset = 0;
  for (const { name, shape } of tensors) {
    parts.push(...text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset));
    offset += Math.ceil((4 * shape.reduce((a, b) => a * b, 1)) / 32) * 32;
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32), Buffer.alloc(offset)]);
}

const layer = (name, ...shape) => ({ name: `blk.0.${name}.weight`, shape });
const seeds = {
  protocol: () => {
    save("start", '{"v":1,"type":"start","job":{"mode":"probe","model":"m","threads":1}}');
    save("limits", '{"v":1,"type":"limits","threads":2,"duty":0.5}');
    save("rate", '{"v":1,"type":"rate","lr":0.001}');
    for (const type of ["pause", "resume", "checkpoint", "stop"]) save(type, `{"v":1,"type":"${type}"}`);
  },
  data: () => {
    save("ce", '{"v":1,"id":"a","kind":"ce","weight":1,"tokens":[1,2,3],"targets":[[1,3]]}\n');
    save("kto", '{"v":1,"id":"b","kind":"kto","weight":1,"tokens":[1,2],"targets":[[1,2]],"desirable":true}\n');
    save(
      "dpo",
      '{"v":1,"id":"c","kind":"dpo","weight":1,"tokens":[1,2],"targets":[[1,2]],"rejected":[1,3],"rejected_targets":[[1,2]]}\n',
    );
  },
  checkpoint: () => {
    const header = Buffer.from('{"identity":"fuzz","rate_bits":0,"size":1536,"step":3}');
    const size = Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer);
    save("short", Buffer.concat([Buffer.from("ASLSCKP1"), size, header, Buffer.alloc(64)]));
  },
  adapter: () => {
    const entries = {
      "general.type": "adapter",
      "adapter.type": "lora",
      "general.architecture": "llama",
      "adapter.lora.alpha": 2.5,
    };
    const pair = [
      { name: "blk.0.attn_q.weight.lora_a", shape: [192, 1] },
      { name: "blk.0.attn_q.weight.lora_b", shape: [1, 192] },
    ];
    save("whole", gguf(entries, pair));
    save("shipped", readFileSync("models/seed-meta-lora.gguf").subarray(0, 8192));
  },
  gguf: () => {
    const entries = {
      "general.architecture": "llama",
      "llama.block_count": 1,
      "llama.embedding_length": 4,
      "llama.feed_forward_length": 4,
      "llama.attention.head_count": 1,
      "llama.context_length": 8,
      "llama.attention.layer_norm_rms_epsilon": 0.5,
    };
    const square = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
    save(
      "whole",
      gguf(entries, [
        { name: "token_embd.weight", shape: [4, 8] },
        { name: "output_norm.weight", shape: [4] },
        layer("attn_norm", 4),
        layer("ffn_norm", 4),
        ...square.map((name) => layer(name, 4, 4)),
      ]),
    );
  },
};
seeds[reader]();
