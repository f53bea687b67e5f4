import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import {
  buildTimeoutMs,
  buildTrainer,
  madeExamples,
  makeModel,
  runTool,
  runTrainer,
  runTrainerLines,
  type TrainerRun,
  writeExamples,
} from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

let folder = "";
let temp: TempDir;
let model = "";
let counter = 0;

beforeAll(async () => {
  folder = buildTrainer();
  temp = await makeTempDir("trainer");
  model = makeModel(folder, temp.path, "--arch llama --shape narrow --type q8_0");
}, buildTimeoutMs);
afterAll(() => temp?.dispose());

const fresh = (name: string) => temp.join(`${++counter}-${name}`);
const dataOf = (kinds: readonly ("ce" | "kto" | "dpo")[] = ["ce"], count = 6, length = 24) =>
  writeExamples(fresh("data.jsonl"), madeExamples(count, length, kinds));
const trainJob = (data: string, out: string, extra: object = {}, optimiser: object = {}) => ({
  mode: "train",
  model,
  data,
  out,
  lora: { rank: 4, alpha: 8 },
  optimiser: { steps: 12, lr: 0.005, ...optimiser },
  ...extra,
});
const last = (run: TrainerRun) => run.messages.at(-1) ?? { type: "nothing" };
const numbers = (run: TrainerRun, field: string) =>
  run.messages.filter((message) => message.type === "progress").map((message) => Number(message[field]));
const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

async function train(data: string, extra: object = {}, optimiser: object = {}) {
  const out = fresh("adapter.gguf");
  const run = await runTrainer(trainJob(data, out, extra, optimiser), { folder });
  expect(last(run)).toMatchObject({ type: "done", stopped: false });
  return { run, out };
}

describe("training", () => {
  it("lowers the loss of 6 sequences below a third in 60 steps, and evaluate finds the same", async () => {
    const data = dataOf();
    const { run, out } = await train(data, {}, { steps: 60, lr: 0.02, sequences_per_step: 3 });
    const losses = numbers(run, "loss");
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
    const evaluated = await runTrainer({ mode: "evaluate", model, data, init_adapter: out }, { folder });
    const results = evaluated.messages.filter((message) => message.type === "result");
    expect(results.map((result) => result.id)).toEqual(["e0", "e1", "e2", "e3", "e4", "e5"]);
    for (const result of results) expect(Number(result.adapter_loss)).toBeLessThan(Number(result.base_loss) / 2);
  });

  it.each(["kto", "dpo", "ce"] as const)(
    "%s with KL to the base: the objective falls and every figure is finite",
    async (kind) => {
      const { run } = await train(
        dataOf([kind]),
        { losses: { kl_weight: 0.1, kto_reference: "mismatched" } },
        { steps: 30, lr: 0.01, sequences_per_step: 2 },
      );
      const losses = numbers(run, "loss");
      expect(losses.slice(-6).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 6).reduce((a, b) => a + b));
      expect(numbers(run, "kl").every(Number.isFinite)).toBe(true);
    },
  );

  it("gives libllama's loss: evaluate of an F32 model with an adapter agrees within 1e-4 on every example", async () => {
    const f32 = makeModel(folder, temp.path, "--arch qwen2 --shape narrow --type f32");
    const data = dataOf();
    const { out } = await train(data, { model: f32 });
    const evaluated = await runTrainer({ mode: "evaluate", model: f32, data, init_adapter: out }, { folder });
    const reference = runTool(folder, "reference", ["losses", "--model", f32, "--data", data, "--adapter", out]);
    const theirs = Object(reference.losses) as { id: string; loss: number }[];
    const ours = evaluated.messages.filter((message) => message.type === "result");
    expect(theirs).toHaveLength(6);
    theirs.forEach(({ loss }, i) => {
      expect(Math.abs(Number(ours[i]?.adapter_loss) - loss)).toBeLessThan(1e-4);
    });
  });

  it("score ranks the trained continuation first in each group", async () => {
    const good = madeExamples(2, 20);
    const learn = writeExamples(fresh("learn.jsonl"), good);
    const { out } = await train(learn, {}, { steps: 60, lr: 0.02 });
    const candidates = good.flatMap((example) => [
      {
        ...example,
        id: `${example.id}-bad`,
        group: example.id,
        tokens: example.tokens.map((token, i) => (i > 7 ? token + 1 : token)),
      },
      { ...example, id: `${example.id}-good`, group: example.id },
    ]);
    const data = writeExamples(fresh("candidates.jsonl"), candidates);
    const run = await runTrainer({ mode: "score", model, data, init_adapter: out }, { folder });
    const first = run.messages.filter((message) => message.type === "result" && message.rank === 1);
    expect(first.map((message) => message.id)).toEqual(["e0-good", "e1-good"]);
  });

  it("the rate follows warm-up, cosine and orders from outside", async () => {
    const data = dataOf();
    const cosine = await train(data, {}, { steps: 10, lr: 0.01, warmup_steps: 2, schedule: "cosine" });
    const rates = numbers(cosine.run, "lr");
    expect(rates[0]).toBeCloseTo(0.005, 12);
    expect(rates[1]).toBeCloseTo(0.01, 12);
    expect(rates[9]).toBeLessThan(0.001);
    const external = await runTrainer(
      trainJob(data, fresh("a.gguf"), { paused: true }, { steps: 3, schedule: "external" }),
      {
        folder,
        onMessage: (message, send) => {
          if (message.type !== "paused") return;
          send({ type: "rate", lr: 0.125 });
          send({ type: "resume" });
        },
      },
    );
    expect(numbers(external, "lr")).toEqual([0.125, 0.125, 0.125]);
  });
});

describe("determinism", () => {
  it("same inputs and seed: the same bytes with 1, 2 and 3 threads; another seed: others", async () => {
    const data = dataOf(["ce", "kto", "dpo"]);
    const lora = { rank: 4, alpha: 8, dropout: 0.1 };
    const digests: string[] = [];
    // One after another and few steps: ggml's threads spin while they wait, and there may be more of them than cores.
    for (const [threads, seed] of [
      [1, 1],
      [2, 1],
      [3, 1],
      [1, 2],
    ]) {
      const extra = { threads, seed, lora, losses: { kl_weight: 0.1 } };
      const { out } = await train(data, extra, { steps: 2, sequences_per_step: 3, accumulate: 2 });
      digests.push(sha256(out));
    }
    const [one, two, three, other] = digests;
    expect(two).toBe(one);
    expect(three).toBe(one);
    expect(other).not.toBe(one);
  });

  it("kept and recomputed activations give the same bytes", async () => {
    const data = dataOf();
    const [kept, recomputed] = await Promise.all(
      ["keep", "recompute"].map((activations) => train(data, { activations })),
    );
    expect(sha256(kept?.out ?? "")).toBe(sha256(recomputed?.out ?? ""));
  });
});

describe("checkpoints", () => {
  const extra = (checkpoint: string) => ({ checkpoint: { path: checkpoint }, losses: { kl_weight: 0.1 } });

  it("stopped at step 5 and resumed gives the bytes of an uninterrupted run", async () => {
    const data = dataOf(["ce", "dpo"]);
    const whole = await train(data, extra(fresh("c")));
    const checkpoint = fresh("c");
    const stopped = await runTrainer(trainJob(data, fresh("a.gguf"), extra(checkpoint)), {
      folder,
      onMessage: (message, send) => {
        if (message.type === "progress" && message.step === 5) send({ type: "stop" });
      },
    });
    expect(stopped.code).toBe(0);
    expect(last(stopped)).toMatchObject({ type: "done", stopped: true, path: null });
    const out = fresh("a.gguf");
    const resumed = await runTrainer(trainJob(data, out, { ...extra(checkpoint), resume: checkpoint }), { folder });
    expect(Number(resumed.messages.find((message) => message.type === "plan")?.first_step)).toBeGreaterThanOrEqual(5);
    expect(sha256(out)).toBe(sha256(whole.out));
  });

  it("killed at 16 instants: the last checkpoint always resumes to the same bytes, and nothing half-written is left", async () => {
    const data = dataOf();
    const whole = await train(data, extra(fresh("c")));
    const scratch = await makeTempDir("trainer-kill");
    await using _ = scratch;
    for (let round = 0; round < 16; round++) {
      const checkpoint = scratch.join(`c${round}`);
      const job = trainJob(data, scratch.join(`never${round}`), {
        ...extra(checkpoint),
        checkpoint: { path: checkpoint, every_steps: 1 },
      });
      let seen = 0;
      await runTrainer(job, {
        folder,
        // kills right before, inside and right after the writing of a checkpoint, depending on the round
        onMessage: (message, _send, kill) => {
          if ((message.type === "progress" || message.type === "checkpoint") && ++seen === round + 1) kill("SIGKILL");
        },
      });
      if (round < 2) continue; // killed before the first checkpoint was complete
      const out = scratch.join(`a${round}`);
      const resumed = await runTrainer(trainJob(data, out, { ...extra(checkpoint), resume: checkpoint }), { folder });
      expect(last(resumed), `round ${round}`).toMatchObject({ type: "done" });
      expect(sha256(out)).toBe(sha256(whole.out));
    }
    expect(readdirSync(scratch.path).filter((name) => name.startsWith("never") || name.endsWith(".part"))).toEqual([]);
  });

  it("refuses a damaged checkpoint and one of other options", async () => {
    const data = dataOf();
    const checkpoint = fresh("c");
    await train(data, { checkpoint: { path: checkpoint, every_steps: 4 } });
    const other = await runTrainer(trainJob(data, fresh("a"), { resume: checkpoint, seed: 9 }), { folder });
    expect(last(other)).toMatchObject({ type: "error", code: "E_CHECKPOINT_MISMATCH" });
    const bytes = readFileSync(checkpoint);
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    writeFileSync(checkpoint, bytes);
    const damaged = await runTrainer(trainJob(data, fresh("a"), { resume: checkpoint }), { folder });
    expect(last(damaged)).toMatchObject({ type: "error", code: "E_CHECKPOINT_INVALID" });
    // A right digest over a header that is JSON and no object.
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(2n);
    const forged = Buffer.concat([Buffer.from("ASLSCKP1"), length, Buffer.from("36")]);
    writeFileSync(checkpoint, Buffer.concat([forged, Buffer.from(createHash("sha256").update(forged).digest("hex"))]));
    const odd = await runTrainer(trainJob(data, fresh("a"), { resume: checkpoint }), { folder });
    expect(last(odd)).toMatchObject({ type: "error", code: "E_CHECKPOINT_INVALID" });
    expect(damaged.code).toBe(65);
  });
});

describe("orders", () => {
  it("pause stops between two layers and resume goes on to the same bytes", async () => {
    const data = dataOf();
    const plain = await train(data);
    const out = fresh("a.gguf");
    const states: string[] = [];
    const run = await runTrainer(trainJob(data, out), {
      folder,
      onMessage: (message, send) => {
        if (message.type === "paused" || message.type === "resumed") states.push(message.type);
        if (message.type === "progress" && message.step === 3) send({ type: "pause" });
        if (message.type === "paused") send({ type: "resume" });
      },
    });
    expect(run.code).toBe(0);
    expect(states).toEqual(["paused", "resumed"]);
    expect(sha256(out)).toBe(sha256(plain.out));
  });

  it("limits change threads and duty without changing the result", async () => {
    const data = dataOf();
    const plain = await train(data);
    const out = fresh("a.gguf");
    await runTrainer(trainJob(data, out), {
      folder,
      onMessage: (message, send) => {
        if (message.type === "progress" && message.step === 2) send({ type: "limits", threads: 2, duty: 0.7 });
      },
    });
    expect(sha256(out)).toBe(sha256(plain.out));
  });

  it.each([
    ["an unknown field", '{"v":1,"type":"start","job":{"mode":"train","model":"m","colour":1}}'],
    ["a future version", '{"v":2,"type":"start","job":{"mode":"train","model":"m"}}'],
    ["an unknown type", '{"v":1,"type":"dance"}'],
    ["something that is not JSON", "hello"],
    ["a value out of range", '{"v":1,"type":"start","job":{"mode":"train","model":"m","threads":0}}'],
  ])("refuses %s with E_TRAINER_PROTOCOL and exit code 2", async (_name, line) => {
    const run = await runTrainerLines([line], { folder });
    expect(last(run)).toMatchObject({ type: "error", code: "E_TRAINER_PROTOCOL" });
    expect(run.code).toBe(2);
    expect(run.messages[0]).toMatchObject({ type: "hello", protocol: 1 });
  });
});

describe("bad input: a coded error, its exit code, and no file left behind", () => {
  const outcome = async (extra: object, optimiser: object = {}, data = dataOf()) => {
    const out = fresh("never.gguf");
    const run = await runTrainer(trainJob(data, out, extra, optimiser), { folder });
    expect(existsSync(out)).toBe(false);
    expect(last(run).type).toBe("error");
    return { code: last(run).code, exit: run.code };
  };
  const withLine = (line: object) => {
    const path = fresh("bad.jsonl");
    writeFileSync(path, `${JSON.stringify(madeExamples(1, 24)[0])}\n${JSON.stringify(line)}\n`);
    return path;
  };

  it("a truncated model", async () => {
    const path = fresh("short.gguf");
    copyFileSync(model, path);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    expect(await outcome({ model: path })).toEqual({ code: "E_MODEL_TRUNCATED", exit: 65 });
  });

  it("a model that is none, or is missing", async () => {
    const path = fresh("none.gguf");
    writeFileSync(path, "not a model");
    expect(await outcome({ model: path })).toEqual({ code: "E_MODEL_UNREADABLE", exit: 65 });
    expect(await outcome({ model: `${path}.missing` })).toEqual({ code: "E_MODEL_UNREADABLE", exit: 65 });
  });

  it("an architecture that cannot be trained", async () => {
    const path = fresh("gemma.gguf");
    const bytes = readFileSync(model);
    const at = bytes.indexOf("llama", bytes.indexOf("general.architecture"));
    bytes.write("gemma", at, "latin1");
    writeFileSync(path, bytes);
    expect(await outcome({ model: path })).toEqual({ code: "E_ARCH_UNSUPPORTED", exit: 69 });
  });

  it("a tensor of the wrong shape", async () => {
    const path = fresh("shape.gguf");
    const bytes = readFileSync(model);
    // the first dimension of blk.0.attn_k.weight: after its name and the number of dimensions
    const at = bytes.indexOf("blk.0.attn_k.weight") + "blk.0.attn_k.weight".length + 4;
    bytes.writeBigUInt64LE(64n, at);
    writeFileSync(path, bytes);
    expect((await outcome({ model: path })).exit).toBe(65);
  });

  it("an adapter of another base, and one of another rank", async () => {
    const { out } = await train(dataOf());
    const other = makeModel(folder, temp.path, "--arch llama --shape narrow --type q8_0 --seed 2");
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
    const run = await runTrainer(trainJob(dataOf(), fresh("a"), { memory_budget_mb: 5 }), { folder });
    expect(last(run)).toMatchObject({ code: "E_MEMORY_BUDGET" });
    expect(String(last(run).message)).toMatch(/needs \d+ MB .* 5 MB are allowed/);
    expect(run.code).toBe(71);
    expect(numbers(run, "step")).toEqual([]);
  });

  it("a rate that makes the loss infinite: stops, and the last checkpoint is of a state whose loss is finite", async () => {
    const data = dataOf();
    const optimiser = { lr: 0.1, lr_b_ratio: 1000, clip_norm: 0, steps: 60, beta2: 0 };
    const attempt = async (seed: number) => {
      const [out, checkpoint] = [fresh("a.gguf"), { path: fresh("c"), every_steps: 1 }];
      const run = await runTrainer(trainJob(data, out, { checkpoint, seed }, optimiser), { folder });
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
    const again = await runTrainer(trainJob(data, out, resumed, optimiser), { folder });
    expect(numbers(again, "loss").length).toBeGreaterThan(0);
    expect(numbers(again, "loss").every(Number.isFinite)).toBe(true);
  });

  it("an adapter that makes the predictions no numbers: evaluate refuses it instead of calling the loss 0", async () => {
    const { out } = await train(dataOf());
    const bytes = readFileSync(out);
    for (let at = bytes.length - 40_000; at < bytes.length; at += 4) bytes.writeFloatLE(3e38, at);
    writeFileSync(out, bytes);
    const run = await runTrainer({ mode: "evaluate", model, data: dataOf(), init_adapter: out }, { folder });
    expect(last(run)).toMatchObject({ type: "error", code: "E_LOSS_NAN" });
    expect(run.messages.filter((message) => message.type === "result")).toEqual([]);
  });

  it("an output folder that does not exist", async () => {
    const run = await runTrainer(trainJob(dataOf(), "/nonexistent/a.gguf"), { folder });
    expect(last(run)).toMatchObject({ code: "E_TRAINER_WRITE" });
  });

  it("a backend that is not installed", async () => {
    expect((await outcome({ backend: "cuda" })).exit).toBe(69);
  });
});

describe("memory plan", () => {
  it("keeps activations when they fit and recomputes them in less", async () => {
    const data = dataOf(["ce"], 4, 400);
    const seed = `${packageRoot}models/seed-q8_0.gguf`; // 4 layers: with fewer there is nothing to gain
    const plan = async (extra: object) => {
      const { run } = await train(data, { model: seed, ...extra }, { steps: 1 });
      return run.messages.find((message) => message.type === "plan") ?? { type: "none" };
    };
    const roomy = await plan({});
    const roomyMb = Number(Object(roomy.memory_mb).total);
    const tight = await plan({ memory_budget_mb: Math.floor(roomyMb) - 1 });
    expect(roomy.keep_activations).toBe(true);
    expect(tight.keep_activations).toBe(false);
    expect(Number(Object(tight.memory_mb).total)).toBeLessThan(roomyMb - 1);
  });

  it("gives up gate and up before whole layers, and every budget gives the same bytes", async () => {
    const data = dataOf(["ce"], 4, 400);
    const digests = new Set<string>();
    const plans: (readonly [number, number])[] = [];
    let budget: number | undefined;
    for (;;) {
      const extra = { model: `${packageRoot}models/seed-q8_0.gguf`, ...(budget ? { memory_budget_mb: budget } : {}) };
      const out = fresh("adapter.gguf");
      const run = await runTrainer(trainJob(data, out, extra, { steps: 2 }), { folder });
      // How many plans fit above what the process takes anyway differs with its libraries; below the least it refuses.
      if (last(run).code === "E_MEMORY_BUDGET") break;
      expect(last(run)).toMatchObject({ type: "done", stopped: false });
      const plan = run.messages.find((message) => message.type === "plan") ?? { type: "none" };
      digests.add(sha256(out));
      plans.push([Number(plan.kept_layers), Number(plan.whole_layers)]);
      if (plan.kept_layers === 1) break;
      budget = Math.floor(Number(Object(plan.memory_mb).total)) - 1;
    }
    expect(plans[0]).toEqual([4, 4]);
    expect(plans.some(([kept, whole]) => kept === 4 && whole < 4)).toBe(true);
    for (const [kept, whole] of plans) expect(whole === 1 || kept === 4).toBe(true);
    expect(digests.size).toBe(1);
  });

  it("maps the weights and stays within what it planned", async () => {
    const { run } = await train(dataOf(["ce"], 4, 400), { model: `${packageRoot}models/seed-q8_0.gguf` }, { steps: 2 });
    const plan = run.messages.find((message) => message.type === "plan");
    expect(plan?.weights).toBe("mmap");
    expect(numbers(run, "peak_rss_mb").at(-1)).toBeLessThan(Number(Object(plan?.memory_mb).total) * 1.1 + 8);
  });
});
