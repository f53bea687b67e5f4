import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import {
  buildTimeoutMs,
  examplesAlike,
  madeExamples,
  makeModel,
  runTool,
  runTrainer,
  writeExamples,
} from "../support/native-trainer.ts";
import { last, numbers, sha256, TrainerJobs } from "../support/trainer-jobs.ts";

let jobs: TrainerJobs;

beforeAll(async () => {
  jobs = await TrainerJobs.open();
}, buildTimeoutMs);
afterAll(() => jobs?.dispose());

describe("training", () => {
  it("lowers the loss of 6 sequences below a third in 60 steps, and evaluate finds the same", async () => {
    const data = jobs.dataOf();
    const { run, out } = await jobs.train(data, {}, { steps: 60, lr: 0.02, sequences_per_step: 3 });
    const losses = numbers(run, "loss");
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
    const evaluated = await runTrainer(
      { mode: "evaluate", model: jobs.model, data, init_adapter: out },
      { folder: jobs.folder },
    );
    const results = evaluated.messages.filter((message) => message.type === "result");
    expect(results.map((result) => result.id)).toEqual(["e0", "e1", "e2", "e3", "e4", "e5"]);
    for (const result of results) expect(Number(result.adapter_loss)).toBeLessThan(Number(result.base_loss) / 2);
  });

  it.each(["kto", "dpo", "ce"] as const)(
    "%s with KL to the base: the objective falls and every figure is finite",
    async (kind) => {
      const { run } = await jobs.train(
        jobs.dataOf([kind]),
        { losses: { kl_weight: 0.1, kto_reference: "mismatched" } },
        { steps: 30, lr: 0.01, sequences_per_step: 2 },
      );
      const losses = numbers(run, "loss");
      expect(losses.slice(-6).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 6).reduce((a, b) => a + b));
      expect(numbers(run, "kl").every(Number.isFinite)).toBe(true);
    },
  );

  it.each(["qwen2", "qwen3"])(
    "gives libllama's loss (%s): evaluate of an F32 model with an adapter agrees within 1e-4 on every example, also on those that begin alike",
    async (arch) => {
      const f32 = makeModel(jobs.folder, jobs.temp.path, `--arch ${arch} --shape narrow --type f32`);
      const { out } = await jobs.train(jobs.dataOf(), { model: f32 });
      for (const data of [jobs.dataOf(), writeExamples(jobs.fresh("alike.jsonl"), examplesAlike(6, 21))]) {
        const job = { mode: "evaluate", model: f32, data, init_adapter: out };
        const evaluated = await runTrainer(job, { folder: jobs.folder });
        const args = ["losses", "--model", f32, "--data", data, "--adapter", out];
        const theirs = Object(runTool(jobs.folder, "reference", args).losses) as { id: string; loss: number }[];
        const ours = evaluated.messages.filter((message) => message.type === "result");
        expect(theirs).toHaveLength(6);
        for (const [n, { loss }] of theirs.entries()) {
          expect(Math.abs(Number(ours[n]?.adapter_loss) - loss)).toBeLessThan(1e-4);
        }
      }
    },
  );

  it("score ranks the trained continuation first in each group", async () => {
    const good = madeExamples(2, 20);
    const learn = writeExamples(jobs.fresh("learn.jsonl"), good);
    const { out } = await jobs.train(learn, {}, { steps: 60, lr: 0.02 });
    const candidates = good.flatMap((example) => [
      {
        ...example,
        id: `${example.id}-bad`,
        group: example.id,
        tokens: example.tokens.map((token, i) => (i > 7 ? token + 1 : token)),
      },
      { ...example, id: `${example.id}-good`, group: example.id },
    ]);
    const data = writeExamples(jobs.fresh("candidates.jsonl"), candidates);
    const run = await runTrainer(
      { mode: "score", model: jobs.model, data, init_adapter: out },
      { folder: jobs.folder },
    );
    const first = run.messages.filter((message) => message.type === "result" && message.rank === 1);
    expect(first.map((message) => message.id)).toEqual(["e0-good", "e1-good"]);
  });

  it("the rate follows warm-up, cosine and orders from outside", async () => {
    const data = jobs.dataOf();
    const cosine = await jobs.train(data, {}, { steps: 10, lr: 0.01, warmup_steps: 2, schedule: "cosine" });
    const rates = numbers(cosine.run, "lr");
    expect(rates[0]).toBeCloseTo(0.005, 12);
    expect(rates[1]).toBeCloseTo(0.01, 12);
    expect(rates[9]).toBeLessThan(0.001);
    const external = await runTrainer(
      jobs.trainJob(data, jobs.fresh("a.gguf"), { paused: true }, { steps: 3, schedule: "external" }),
      {
        folder: jobs.folder,
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
    const data = jobs.dataOf(["ce", "kto", "dpo"]);
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
      const { out } = await jobs.train(data, extra, { steps: 2, sequences_per_step: 3, accumulate: 2 });
      digests.push(sha256(out));
    }
    const [one, two, three, other] = digests;
    expect(two).toBe(one);
    expect(three).toBe(one);
    expect(other).not.toBe(one);
  });

  it("kept and recomputed activations give the same bytes", async () => {
    const data = jobs.dataOf();
    const [kept, recomputed] = await Promise.all(
      ["keep", "recompute"].map((activations) => jobs.train(data, { activations })),
    );
    expect(sha256(kept?.out ?? "")).toBe(sha256(recomputed?.out ?? ""));
  });
});

describe("memory plan", () => {
  it("keeps activations when they fit and recomputes them in less", async () => {
    const data = jobs.dataOf(["ce"], 4, 400);
    const seed = `${packageRoot}models/seed-q8_0.gguf`; // 4 layers: with fewer there is nothing to gain
    const plan = async (extra: object) => {
      const { run } = await jobs.train(data, { model: seed, ...extra }, { steps: 1 });
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
    const data = jobs.dataOf(["ce"], 4, 400);
    const digests = new Set<string>();
    const plans: (readonly [number, number])[] = [];
    let budget: number | undefined;
    for (;;) {
      const extra = { model: `${packageRoot}models/seed-q8_0.gguf`, ...(budget ? { memory_budget_mb: budget } : {}) };
      const out = jobs.fresh("adapter.gguf");
      const run = await runTrainer(jobs.trainJob(data, out, extra, { steps: 2 }), { folder: jobs.folder });
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
    const { run } = await jobs.train(
      jobs.dataOf(["ce"], 4, 400),
      { model: `${packageRoot}models/seed-q8_0.gguf` },
      { steps: 2 },
    );
    const plan = run.messages.find((message) => message.type === "plan");
    expect(plan?.weights).toBe("mmap");
    expect(numbers(run, "peak_rss_mb").at(-1)).toBeLessThan(Number(Object(plan?.memory_mb).total) * 1.1 + 8);
  });
});
