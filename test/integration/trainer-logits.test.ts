import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTimeoutMs, buildTrainer, makeModel, runTool } from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

// The trainer's forward pass against libllama's on the same files, 64 random tokens, every logit.
let folder = "";
let temp: TempDir;

beforeAll(async () => {
  folder = buildTrainer();
  temp = await makeTempDir("trainer");
}, buildTimeoutMs);
afterAll(() => temp?.dispose());

const compare = (model: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  runTool(folder, "reference", ["logits", "--model", model, ...args], env);

describe("logits of F32 models", () => {
  const models = [
    "--arch llama --shape tiny",
    "--arch llama --shape narrow",
    "--arch llama --shape tiny --rope-freqs --untied --seed 4",
    "--arch qwen2 --shape tiny",
    "--arch qwen2 --shape narrow",
    "--arch qwen3 --shape tiny",
    "--arch qwen3 --shape narrow --head-dim 32",
  ];
  it.each(models)("%s: differ from llama.cpp's by less than 1e-5, without and with an adapter", (args) => {
    const model = makeModel(folder, temp.path, `${args} --type f32`);
    const base = compare(model);
    const adapted = compare(model, ["--random-adapter", `${model}.adapter`]);
    expect(base.max_difference).toBeLessThan(1e-5);
    expect(adapted.max_difference).toBeLessThan(1e-5);
    expect(base.logit_rms).toBeGreaterThan(0.5); // a dead net would agree too
    expect(Math.abs((adapted.logit_rms ?? 0) - (base.logit_rms ?? 0))).toBeGreaterThan(1e-4);
  });

  it.each(["avx512", "avx2", "generic", "ggml"])("stay within 1.2e-5 with the %s kernels", (kernels) => {
    const model = makeModel(folder, temp.path, "--arch qwen3 --shape narrow --type f32");
    // A table this processor cannot run falls back to ggml's operations, which is checked just as well.
    expect(compare(model, [], { ASLS_TRAINER_KERNELS: kernels }).max_difference).toBeLessThan(1.2e-5);
  });
});

describe("logits of quantised models, as evaluate computes them", () => {
  const types = [
    "f16",
    "bf16",
    "q8_0",
    "q4_0",
    "q4_1",
    "q5_0",
    "q5_1",
    "q2_k",
    "q3_k",
    "q4_k",
    "q5_k",
    "q6_k",
    "iq4_nl",
    "iq4_xs",
  ];
  it.each(types)("%s: relative rms difference below 3 %", (type) => {
    const model = makeModel(folder, temp.path, `--arch qwen3 --shape tiny --type ${type}`);
    const result = compare(model);
    expect(result.relative_rms).toBeLessThan(0.03);
    expect(result.same_argmax).toBeGreaterThan(55);
  });

  // The same integers as ggml's, added in another order: what differs is which of the next layer's activations are rounded up.
  const kernels = ["avx2", "avx512vnni", "avx512vnnibf16"];
  const typesAndKernels = ["q8_0", "q4_0", "iq4_nl"].flatMap((type) => kernels.map((each) => [type, each] as const));
  it.each(typesAndKernels)(
    "%s with the %s kernels: relative rms difference below 0.03, without and with an adapter",
    (type, each) => {
      const model = makeModel(folder, temp.path, `--arch qwen3 --shape tiny --type ${type}`);
      for (const adapter of [[], ["--random-adapter", `${model}.adapter`]]) {
        const result = compare(model, adapter, { ASLS_TRAINER_KERNELS: each });
        expect(result.relative_rms).toBeLessThan(0.03);
        expect(result.same_argmax).toBeGreaterThan(55);
      }
    },
  );
});
