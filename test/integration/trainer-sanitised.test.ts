import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  buildTimeoutMs,
  buildTrainer,
  examplesAlike,
  type Flavour,
  madeExamples,
  makeModel,
  runTrainer,
  runTrainerLines,
  writeExamples,
} from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const flavours: { readonly name: string; readonly flavour: Flavour }[] = [
  { name: "AddressSanitizer", flavour: "-asan" },
  { name: "UndefinedBehaviorSanitizer", flavour: "-ubsan" },
];

describe.each(flavours)("the engine under $name", ({ flavour }) => {
  let folder = "";
  let temp: TempDir;
  let data = "";
  const models: string[] = [];

  beforeAll(async () => {
    const plain = buildTrainer();
    folder = buildTrainer(flavour, { tools: false });
    temp = await makeTempDir("trainer-sanitised");
    for (const args of ["--arch llama --shape narrow --type q8_0", "--arch qwen3 --shape tiny --type q4_k"]) {
      models.push(makeModel(plain, temp.path, args));
    }
    data = writeExamples(temp.join("data.jsonl"), madeExamples(6, 21, ["ce", "kto", "dpo"]));
  }, buildTimeoutMs);
  afterAll(() => temp?.dispose());

  const job = (model: string | undefined, extra: object) => ({
    mode: "train",
    model,
    data,
    out: temp.join("a.gguf"),
    lora: { rank: 3, alpha: 8, dropout: 0.1 },
    losses: { kl_weight: 0.1, kto_reference: "mismatched" },
    optimiser: { steps: 3, sequences_per_step: 3, accumulate: 2 },
    ...extra,
  });
  const expectClean = (run: { code: number | null; stderr: string }, code: number) => {
    expect(run.stderr).not.toMatch(/Sanitizer|runtime error/);
    expect(run.code).toBe(code);
  };

  it.each([0, 1])("trains, evaluates and resumes model %i without a finding", async (index) => {
    const model = models[index];
    const checkpoint = temp.join(`c${index}`);
    expectClean(
      await runTrainer(job(model, { threads: 2, checkpoint: { path: checkpoint, every_steps: 1 } }), { folder }),
      0,
    );
    expectClean(await runTrainer(job(model, { activations: "recompute", resume: checkpoint }), { folder }), 0);
    const measured = { mode: "score", model, data, init_adapter: temp.join("a.gguf") };
    expectClean(await runTrainer(measured, { folder }), 0);
    const alike = writeExamples(temp.join("alike.jsonl"), examplesAlike(9, 21));
    expectClean(await runTrainer({ ...measured, mode: "evaluate", data: alike, threads: 2 }, { folder }), 0);
    expect(existsSync(temp.join("a.gguf"))).toBe(true);
  });

  it.each(["amxbf16", "avx512vnnibf16", "avx512vnni", "avx512bf16", "avx512", "avx2", "generic", "ggml"])(
    "trains and measures with the %s kernels without a finding",
    async (kernels) => {
      const env = { ASLS_TRAINER_KERNELS: kernels };
      expectClean(await runTrainer(job(models[0], { backward: "resident" }), { folder, env }), 0);
      expectClean(await runTrainer(job(models[1], { backward: "fused" }), { folder, env }), 0);
      for (const model of models) expectClean(await runTrainer({ mode: "evaluate", model, data }, { folder, env }), 0);
    },
  );

  it("refuses bad input without a finding", async () => {
    expectClean(await runTrainerLines(['{"v":1,"type":"start","job":{"mode":"train"}}'], { folder }), 2);
    const noModel = temp.join("none.gguf");
    writeFileSync(noModel, "GGUF and then nothing that makes sense");
    expectClean(await runTrainer(job(noModel, {}), { folder }), 65);
    expectClean(await runTrainer(job(models[0], { data: noModel }), { folder }), 65);
    expectClean(await runTrainer(job(models[0], { memory_budget_mb: 1 }), { folder }), 71);
  });
});
