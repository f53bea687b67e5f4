import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { ChatTemplate } from "../../src/runtime/llm/chat-template.ts";
import { flashAttentionFor, LlamaCppLanguageModel } from "../../src/runtime/llm/llama-cpp-language-model.ts";
import { loadEngine, loadModel, ModelSlot } from "../../src/runtime/llm/llama-engine.ts";
import { inspectModel } from "../../src/runtime/llm/model-file.ts";
import { PromptEncoder } from "../../src/runtime/llm/prompt-encoder.ts";
import type { ChatMessage } from "../../src/runtime/ports.ts";
import { seedAdapter } from "../../test/support/tiny-models.ts";
import { type BenchContext, type Benchmark, medianFigure, significant, skippedFigure, spreadOf } from "../report.ts";

const ANSWER_TOKENS = 64;
const TEMPERATURE = 1;
const CONTEXT_TOKENS = 2048;
const LAG_RESOLUTION_MS = 1;

const SYSTEM = [
  "You are a helpful voice assistant. Answer in one or two short sentences.",
  "The user's name is Sam.",
  "The user is allergic to nuts.",
  "Use degrees Celsius.",
  "The user prefers short answers.",
  "The user works from home on Mondays and likes quiet music in the morning.",
].join("\n");
const QUESTIONS = [
  "Tell me about your favorite movie.",
  "What do you think about music?",
  "Who plays the best basketball?",
  "Is the garage door open?",
  "What should I listen to tonight?",
  "Do you remember the last game?",
];

const system: ChatMessage = { role: "system", content: SYSTEM };
const user = (content: string): ChatMessage => ({ role: "user", content });
const never = new AbortController().signal;

/** Six exchanges of a conversation and the next question. */
function conversation(variant: number): ChatMessage[] {
  const turns = Array.from({ length: 6 }, (_, i): ChatMessage[] => [
    user(`${QUESTIONS[(i + variant) % QUESTIONS.length]} I would like to know more about it, number ${i}.`),
    { role: "assistant", content: `That is a good question, I like number ${i + variant} the most of all of them.` },
  ]);
  return [system, ...turns.flat(), user(QUESTIONS[variant % QUESTIONS.length] ?? "")];
}

interface Decoded {
  readonly tokens: number;
  readonly msPerToken: number;
}

/** The same question, seed and sampling through the port; time from first token to last. */
async function decodeThroughPort(model: LlamaCppLanguageModel, question: string, seed: number): Promise<Decoded> {
  let firstMs = 0;
  const result = await model.generate(
    {
      messages: [system, user(question)],
      maxTokens: ANSWER_TOKENS,
      temperature: TEMPERATURE,
      seed,
      onText: () => {
        if (firstMs === 0) firstMs = performance.now();
      },
    },
    never,
  );
  return {
    tokens: result.generatedTokens,
    msPerToken: (result.totalMs - result.firstTokenMs) / (result.generatedTokens - 1),
  };
}

/** node-llama-cpp alone: tokens out of `evaluate`, text made once at the end. */
async function decodeDirectly(
  model: LlamaModel,
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  seed: number,
): Promise<Decoded> {
  const { firstDifferentIndex } = sequence.compareContextTokens([...prompt]);
  const from = Math.min(firstDifferentIndex, prompt.length - 1);
  await sequence.eraseContextTokenRanges([{ start: from, end: sequence.nextTokenIndex }]);
  const tokens: Token[] = [];
  let firstMs = 0;
  let lastMs = 0;
  for await (const token of sequence.evaluate(prompt.slice(from), { temperature: TEMPERATURE, seed })) {
    lastMs = performance.now();
    if (tokens.length === 0) firstMs = lastMs;
    tokens.push(token);
    if (tokens.length === ANSWER_TOKENS) break;
  }
  lastMs = performance.now();
  model.detokenize(tokens);
  return { tokens: tokens.length, msPerToken: (lastMs - firstMs) / (tokens.length - 1) };
}

async function run({ quick, options, log, signal }: BenchContext) {
  const modelPath = String(options.model);
  const threads = Number(options.threads) || Math.max(1, availableParallelism() - 1);
  const clock = new SystemClock();
  const loadStartedMs = performance.now();
  await using ours = await LlamaCppLanguageModel.load(
    { modelPath, threads, contextTokens: CONTEXT_TOKENS, gpu: false, extraArchitectures: [] },
    { clock, logger: silentLogger, cores: availableParallelism() },
  );
  const loadMs = performance.now() - loadStartedMs;
  log(`loaded ${ours.info.name} in ${significant(loadMs)} ms; comparing on ${threads} thread(s)`);

  const file = await inspectModel(modelPath);
  // The same settings as the service's own: the ratio is the price of the port, not of a setting.
  const flashAttention = flashAttentionFor(file, false);
  const engine = { threads, contextTokens: ours.info.contextTokens, gpu: false, flashAttention } as const;
  const llama = await loadEngine(engine, silentLogger);
  const model = await loadModel(llama, modelPath);
  const slot = await ModelSlot.open(model, [], engine);
  const encoder = new PromptEncoder(() => model, new ChatTemplate(file.chatTemplate, model.tokens.bosString ?? "", ""));

  const rounds = quick ? 20 : 60;
  const ratios: number[] = [];
  const oursTps: number[] = [];
  const directTps: number[] = [];
  for (let round = 0; ratios.length < rounds && round < 10 * rounds && !signal.aborted; round++) {
    const question = QUESTIONS[round % QUESTIONS.length] ?? "";
    const seed = 1000 + round;
    const prompt = encoder.encode([system, user(question)]);
    const direct = () => decodeDirectly(model, slot.sequence, prompt, seed);
    const port = () => decodeThroughPort(ours, question, seed);
    // Who goes first alternates; short answers say little about speed.
    const [a, b] = round % 2 === 0 ? [await direct(), await port()] : [await port(), await direct()].reverse();
    if (a === undefined || b === undefined || a.tokens !== b.tokens || a.tokens < 16) continue;
    ratios.push(a.msPerToken / b.msPerToken);
    directTps.push(1000 / a.msPerToken);
    oursTps.push(1000 / b.msPerToken);
  }

  const ttft = { reused: [] as number[], fresh: [] as number[], ratio: [] as number[] };
  let promptTokens = 0;
  let reusedTokens = 0;
  for (let round = 0; round < (quick ? 15 : 40) && !signal.aborted; round++) {
    const turn2 = conversation(round);
    const request = { maxTokens: 2, temperature: 0, seed: null, onText: () => {} };
    await ours.generate({ ...request, messages: turn2.slice(0, -2) }, never);
    const reused = await ours.generate({ ...request, messages: turn2 }, never);
    await ours.generate({ ...request, messages: [user("Another conversation altogether.")] }, never);
    const fresh = await ours.generate({ ...request, messages: turn2 }, never);
    promptTokens = fresh.promptTokens;
    reusedTokens = reused.reusedTokens;
    ttft.reused.push(reused.firstTokenMs);
    ttft.fresh.push(fresh.firstTokenMs);
    ttft.ratio.push(reused.firstTokenMs / fresh.firstTokenMs);
  }

  const lag = modelPath === `${packageRoot}models/seed-q8_0.gguf` ? await eventLoopLag(ours, quick) : null;
  await slot.dispose();
  await model.dispose();
  await llama.dispose();

  const median = (samples: readonly number[]) => significant(spreadOf(samples).median);
  return {
    figures: {
      decode_ratio: medianFigure(ratios, "x of node-llama-cpp", ">= 0.97"),
      prefix_ttft_ratio: medianFigure(ttft.ratio, "x of no reuse", "<= 0.3"),
      loop_max_ms:
        lag === null ? skippedFigure("ms", "measured with the shipped model only") : medianFigure(lag, "ms", "<= 20"),
      load_ms: { value: loadMs, unit: "ms" },
    },
    rows: [
      { what: "decode through the port", tokens_per_s: median(oursTps) },
      { what: "decode, node-llama-cpp alone", tokens_per_s: median(directTps) },
      { what: `first token, ${reusedTokens} of ${promptTokens} tokens reused`, ms: median(ttft.reused) },
      { what: `first token, ${promptTokens} tokens evaluated`, ms: median(ttft.fresh) },
    ],
    conditions: {
      model: ours.info.name,
      quantisation: ours.info.quantisation,
      parameters: ours.info.parameters,
      threads,
      flash_attention: String(flashAttention),
      context_tokens: ours.info.contextTokens,
      answer_tokens: ANSWER_TOKENS,
      compared_answers: ratios.length,
    },
  };
}

/** Longest stall of the event loop per round of: long prompt, answer, 1 MB counted and refused, two adapter changes. */
async function eventLoopLag(model: LlamaCppLanguageModel, quick: boolean): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), "asls-bench-decode-"));
  try {
    const path = join(folder, "adapter.gguf");
    await writeFile(path, seedAdapter(0.1));
    const request = { maxTokens: 32, temperature: 0, seed: null, onText: () => {} };
    const long = Array.from({ length: 200 }, (_, i) => conversation(i).slice(1, -1)).flat();
    const worst: number[] = [];
    for (let round = 0; round < (quick ? 5 : 15); round++) {
      const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
      delay.enable();
      await model.generate({ ...request, messages: [system, ...long, user(`Number ${round}?`)] }, never);
      model.countTokens("word ".repeat(200_000));
      await model.generate({ ...request, messages: [system, user("x ".repeat(500_000))] }, never).catch(() => {});
      await model.useAdapters([{ path, scale: 1 }]);
      await model.useAdapters([]);
      delay.disable();
      worst.push(delay.max / 1e6 - LAG_RESOLUTION_MS);
    }
    return worst;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Benchmark = {
  summary: "decode speed and prefix reuse of the language model, against node-llama-cpp used directly",
  packages: ["node-llama-cpp"],
  options: {
    model: { type: "string", default: `${packageRoot}models/seed-q8_0.gguf`, doc: "GGUF file" },
    threads: { type: "string", default: "0", doc: "inference threads; 0 = one fewer than the cores" },
  },
  run,
};
