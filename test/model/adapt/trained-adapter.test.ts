import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Token } from "node-llama-cpp";
import { describe, expect, it } from "vitest";
import { SignalFreezer } from "../../../src/adapt/freezer.ts";
import type { TrainerJob, TrainingText } from "../../../src/adapt/ports.ts";
import { type TokenExample, writeTokenFile } from "../../../src/adapt/token-file.ts";
import { baseLossOf } from "../../../src/adapt/trainer-messages.ts";
import { TrainerProcess } from "../../../src/adapt/trainer-process.ts";
import { runTrainSession } from "../../../src/cli/train-session.ts";
import { packageRoot } from "../../../src/core/built-file.ts";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { LlamaCppLanguageModel } from "../../../src/runtime/llm/llama-cpp-language-model.ts";
import { loadEngine } from "../../../src/runtime/llm/llama-engine.ts";
import { LlamaTrainingTextEncoder } from "../../../src/runtime/llm/training-text-encoder.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const seedModel = `${packageRoot}models/seed-q8_0.gguf`;
const executable = `${packageRoot}build/trainer/asls-trainer`;
const maker = `${packageRoot}build/trainer/asls-gguf-maker`;

const trainer = () =>
  new TrainerProcess({
    command: { file: executable },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
  });

/** Losses of every example by node-llama-cpp in F32 throughout, nats per target token. */
async function llamaCppLosses(modelPath: string, adapter: string | null, examples: readonly TokenExample[]) {
  const engine = await loadEngine({ threads: 1, contextTokens: 64, gpu: false }, silentLogger);
  const model = await engine.llama.loadModel({ modelPath });
  try {
    const context = await model.createContext({
      contextSize: 64,
      threads: 1,
      flashAttention: false,
      experimentalKvCacheKeyType: "F32",
      experimentalKvCacheValueType: "F32",
      ...(adapter === null ? {} : { lora: { adapters: [{ filePath: adapter, scale: 1 }] } }),
    });
    const sequence = context.getSequence();
    const losses: number[] = [];
    for (const { tokens, targets } of examples) {
      await sequence.clearHistory();
      const input = (tokens as readonly Token[]).map((token): [Token, { generateNext: { logits: true } }] => [
        token,
        { generateNext: { logits: true } },
      ]);
      const outputs = await sequence.controlledEvaluate(input);
      const positions = targets.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
      const sum = positions.reduce((total, at) => total + surprise(outputs[at - 1]?.next.logits, tokens[at]), 0);
      losses.push(sum / positions.length);
    }
    return losses;
  } finally {
    await model.dispose();
    engine.release();
  }
}

/** -log softmax of one token. */
function surprise(logits: ReadonlyMap<Token, number> | undefined, token: number | undefined): number {
  const values = [...(logits?.values() ?? [])];
  const greatest = Math.max(...values);
  const logSum = greatest + Math.log(values.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
  return logSum - (logits?.get(token as Token) ?? Number.NaN);
}

const ANSWERS = ["the blue drawer", "the kitchen shelf", "the garden shed"];
const place = (i: number): TrainingText => ({
  kind: "messages",
  messages: [
    { role: "user", content: `Where is tool number ${i}?` },
    { role: "assistant", content: `Tool ${i} lives in ${ANSWERS[i % 3]}, as always.` },
  ],
});

describe.skipIf(!existsSync(executable))("an adapter by asls-trainer (skipped when build/trainer is not built)", () => {
  it("lowers the held-out loss of the seed model by more than a quarter, and makes it give the trained answers", async () => {
    await using folder = await makeTempDir("adapter");
    await using encoder = await LlamaTrainingTextEncoder.open(seedModel, silentLogger);
    const lines = Array.from({ length: 30 }, (_, i) => ({ line: i + 1, text: place(i) }));
    const out = folder.join("adapter.gguf");

    const outcome = await runTrainSession(
      lines,
      {
        model: seedModel,
        out,
        job: {
          threads: 1,
          seed: 3,
          lora: { rank: 8, alpha: 16 },
          optimiser: { lr: 0.005, sequencesPerStep: 4, steps: 150 },
        },
        epochs: 1,
        heldOut: 0.2,
        checkpointPath: folder.join("checkpoint"),
        workFolder: folder.join("work"),
        checkpointEverySteps: 50,
        skipLong: false,
      },
      { trainer: trainer(), encoder, signal: new AbortController().signal, onEvent: () => {} },
    );

    expect(outcome).toMatchObject({ kind: "done", trainedExamples: 24, heldOut: { examples: 6 } });
    const heldOut = outcome.kind === "done" ? outcome.heldOut : null;
    expect(heldOut?.adapter).toBeLessThan((heldOut?.base ?? 0) * 0.75);

    await using languageModel = await LlamaCppLanguageModel.load(
      { modelPath: seedModel, threads: 1, contextTokens: 256, gpu: false, extraArchitectures: [] },
      { clock: new SystemClock(), logger: silentLogger, cores: 1 },
    );
    const ask = async (question: string) => {
      const request = {
        messages: [{ role: "user", content: question }] as const,
        maxTokens: 40,
        temperature: 0,
        seed: 1,
      };
      const { text } = await languageModel.generate({ ...request, onText: () => {} }, new AbortController().signal);
      return text;
    };
    const before = await ask("Where is tool number 7?");
    await languageModel.useAdapters([{ path: out, scale: 1 }]);
    const trained = await ask("Where is tool number 7?");
    await languageModel.useAdapters([]);

    expect(trained).toBe("Tool 7 lives in the kitchen shelf, as always.");
    expect(before).not.toBe(trained);
    expect(await ask("Where is tool number 7?")).toBe(before);
  });

  it.skipIf(!existsSync(maker)).each(["llama", "qwen2", "qwen3"])(
    "has the losses that node-llama-cpp has, within 1e-3 nats, on a made F32 %s model (needs build-trainer.sh --tools)",
    async (arch) => {
      await using folder = await makeTempDir("adapter");
      const model = folder.join("tiny.gguf");
      execFileSync(maker, ["--arch", arch, "--shape", "tiny", "--type", "f32", "--seed", "5", "--out", model]);
      const examples = [1, 2, 3, 4].map(
        (n): TokenExample => ({
          id: `e${n}`,
          kind: "ce",
          tokens: Array.from({ length: 24 + n }, (_, i) => 3 + ((n * 101 + i * i * 37) % 500)),
          targets: [
            [4, 9],
            [12, 24 + n],
          ],
        }),
      );
      const data = folder.join("data.jsonl");
      await writeTokenFile(data, examples);
      const job: TrainerJob = { mode: "train", model, data, backend: "cpu", threads: 1 };
      const out = folder.join("adapter.gguf");
      await trainer().run({ ...job, out, optimiser: { steps: 30, lr: 0.01 } }).ended;

      const outcome = await trainer().run({ ...job, mode: "evaluate", initAdapter: out }).ended;
      const results = outcome.kind === "done" ? outcome.results : [];

      expect(results.length).toBe(4);
      const base = await llamaCppLosses(model, null, examples);
      const adapted = await llamaCppLosses(model, out, examples);
      for (const [i, result] of results.entries()) {
        const { adapterLoss } = result;
        const baseLoss = baseLossOf(result);
        expect(Math.abs(baseLoss - (base[i] ?? Number.NaN)), `base of example ${i}`).toBeLessThan(1e-3);
        expect(Math.abs((adapterLoss ?? Number.NaN) - (adapted[i] ?? Number.NaN)), `adapter, ${i}`).toBeLessThan(1e-3);
        expect(baseLoss - (adapterLoss ?? Number.NaN)).toBeGreaterThan(0.5);
      }
    },
  );
});
