import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTimeoutMs, madeExamples, makeModel, runTrainer } from "../support/native-trainer.ts";
import { last, numbers, TrainerJobs } from "../support/trainer-jobs.ts";

let jobs: TrainerJobs;

beforeAll(async () => {
  jobs = await TrainerJobs.open();
}, buildTimeoutMs);
afterAll(() => jobs?.dispose());

describe("bad input: a coded error, its exit code, and no file left behind", () => {
  const outcome = async (extra: object, optimiser: object = {}, data = jobs.dataOf()) => {
    const out = jobs.fresh("never.gguf");
    const run = await runTrainer(jobs.trainJob(data, out, extra, optimiser), { folder: jobs.folder });
    expect(existsSync(out)).toBe(false);
    expect(last(run).type).toBe("error");
    return { code: last(run).code, exit: run.code };
  };
  const withLine = (line: object) => {
    const path = jobs.fresh("bad.jsonl");
    writeFileSync(path, `${JSON.stringify(madeExamples(1, 24)[0])}\n${JSON.stringify(line)}\n`);
    return path;
  };

  it("a truncated model", async () => {
    const path = jobs.fresh("short.gguf");
    copyFileSync(jobs.model, path);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    expect(await outcome({ model: path })).toEqual({ code: "E_MODEL_TRUNCATED", exit: 65 });
  });

  it("a model that is none, or is missing", async () => {
    const path = jobs.fresh("none.gguf");
    writeFileSync(path, "not a model");
    expect(await outcome({ model: path })).toEqual({ code: "E_MODEL_UNREADABLE", exit: 65 });
    expect(await outcome({ model: `${path}.missing` })).toEqual({ code: "E_MODEL_UNREADABLE", exit: 65 });
  });

  it("an architecture that cannot be trained", async () => {
    const path = jobs.fresh("gemma.gguf");
    const bytes = readFileSync(jobs.model);
    const at = bytes.indexOf("llama", bytes.indexOf("general.architecture"));
    bytes.write("gemma", at, "latin1");
    writeFileSync(path, bytes);
    expect(await outcome({ model: path })).toEqual({ code: "E_ARCH_UNSUPPORTED", exit: 69 });
  });

  it("a tensor of the wrong shape", async () => {
    const path = jobs.fresh("shape.gguf");
    const bytes = readFileSync(jobs.model);
    // the first dimension of blk.0.attn_k.weight: after its name and the number of dimensions
    const at = bytes.indexOf("blk.0.attn_k.weight") + "blk.0.attn_k.weight".length + 4;
    bytes.writeBigUInt64LE(64n, at);
    writeFileSync(path, bytes);
    expect((await outcome({ model: path })).exit).toBe(65);
  });

  it("an adapter of another base, and one of another rank", async () => {
    const { out } = await jobs.train(jobs.dataOf());
    const other = makeModel(jobs.folder, jobs.temp.path, "--arch llama --shape narrow --type q8_0 --seed 2");
    expect(await outcome({ model: other, init_adapter: out })).toEqual({ code: "E_ADAPTER_MISMATCH", exit: 65 });
    expect(await outcome({ init_adapter: out, lora: { rank: 8 } })).toEqual({ code: "E_ADAPTER_MISMATCH", exit: 65 });
    truncateSync(out, 2000);
    expect(await outcome({ init_adapter: out })).toEqual({ code: "E_ADAPTER_INVALID", exit: 65 });
  });

  const example = madeExamples(1, 24)[0];
  it.each([
    ["empty", { ...example, id: "x", tokens: [] }],
    ["over-long", { ...example, id: "x", tokens: Array.from({ length: 600 }, () => 5) }],
    ["with a token id out of range", { ...example, id: "x", tokens: [3, 4, 300], targets: [[1, 2]] }],
    ["with a negative token id", { ...example, id: "x", tokens: [3, -1], targets: [[1, 2]] }],
    ["without a target", { ...example, id: "x", targets: [] }],
    ["with a target beyond the end", { ...example, id: "x", targets: [[20, 30]] }],
    ["with a target at position 0", { ...example, id: "x", targets: [[0, 3]] }],
    ["with a repeated id", { ...example }],
    ["kto without a verdict", { ...example, id: "x", kind: "kto" }],
    ["dpo without a rejected answer", { ...example, id: "x", kind: "dpo" }],
  ])("an example %s", async (_name, line) => {
    expect(await outcome({}, {}, withLine(line))).toEqual({ code: "E_DATA_INVALID", exit: 65 });
  });

  it("a memory budget that nothing fits in, refused with figures before anything is computed", async () => {
    const run = await runTrainer(jobs.trainJob(jobs.dataOf(), jobs.fresh("a"), { memory_budget_mb: 5 }), {
      folder: jobs.folder,
    });
    expect(last(run)).toMatchObject({ code: "E_MEMORY_BUDGET" });
    expect(String(last(run).message)).toMatch(/needs \d+ MB .* 5 MB are allowed/);
    expect(run.code).toBe(71);
    expect(numbers(run, "step")).toEqual([]);
  });

  it("a rate that makes the loss infinite: stops, and the last checkpoint is of a state whose loss is finite", async () => {
    const data = jobs.dataOf();
    const optimiser = { lr: 0.1, lr_b_ratio: 1000, clip_norm: 0, steps: 60, beta2: 0 };
    const attempt = async (seed: number) => {
      const [out, checkpoint] = [jobs.fresh("a.gguf"), { path: jobs.fresh("c"), every_steps: 1 }];
      const run = await runTrainer(jobs.trainJob(data, out, { checkpoint, seed }, optimiser), { folder: jobs.folder });
      return { seed, out, checkpoint, run };
    };
    // Most seeds overflow after a few steps; some at once, some stand still first, every gradient 0: which ones differs with kernels and compiler.
    const overflows = ({ run, checkpoint }: Awaited<ReturnType<typeof attempt>>) =>
      last(run).type === "error" && existsSync(checkpoint.path);
    let tried = await attempt(1);
    while (!overflows(tried) && tried.seed < 10) tried = await attempt(tried.seed + 1);
    const { seed, out, checkpoint, run } = tried;
    expect(last(run)).toMatchObject({ type: "error", code: "E_LOSS_NAN" });
    expect(run.code).toBe(70);
    expect(existsSync(out)).toBe(false);
    const resumed = { checkpoint, seed, resume: checkpoint.path };
    const again = await runTrainer(jobs.trainJob(data, out, resumed, optimiser), { folder: jobs.folder });
    expect(numbers(again, "loss").length).toBeGreaterThan(0);
    expect(numbers(again, "loss").every(Number.isFinite)).toBe(true);
  });

  it("an adapter that makes the predictions no numbers: evaluate refuses it instead of calling the loss 0", async () => {
    const { out } = await jobs.train(jobs.dataOf());
    const bytes = readFileSync(out);
    for (let at = bytes.length - 40_000; at < bytes.length; at += 4) bytes.writeFloatLE(3e38, at);
    writeFileSync(out, bytes);
    const run = await runTrainer(
      { mode: "evaluate", model: jobs.model, data: jobs.dataOf(), init_adapter: out },
      { folder: jobs.folder },
    );
    expect(last(run)).toMatchObject({ type: "error", code: "E_LOSS_NAN" });
    expect(run.messages.filter((message) => message.type === "result")).toEqual([]);
  });

  // Rounded to integers, what is no number must not become one.
  it.each(["generic", "ggml", undefined])(
    "training from such an adapter stops at once (kernels: %s)",
    async (kernels) => {
      const { out } = await jobs.train(jobs.dataOf());
      const bytes = readFileSync(out);
      for (let at = bytes.length - 40_000; at < bytes.length; at += 4) bytes.writeFloatLE(3e38, at);
      writeFileSync(out, bytes);
      const job = jobs.trainJob(jobs.dataOf(), jobs.fresh("never.gguf"), { init_adapter: out });
      const env = kernels === undefined ? {} : { ASLS_TRAINER_KERNELS: kernels };
      const run = await runTrainer(job, { folder: jobs.folder, env });
      expect(last(run)).toMatchObject({ type: "error", code: "E_LOSS_NAN" });
    },
  );

  it("an output folder that does not exist", async () => {
    const run = await runTrainer(jobs.trainJob(jobs.dataOf(), "/nonexistent/a.gguf"), { folder: jobs.folder });
    expect(last(run)).toMatchObject({ code: "E_TRAINER_WRITE" });
  });

  it("a backend that is not installed", async () => {
    expect((await outcome({ backend: "cuda" })).exit).toBe(69);
  });
});
