import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { ChatTemplate } from "../../src/runtime/llm/chat-template.ts";
import { flashAttentionFor } from "../../src/runtime/llm/flash-attention.ts";
import { LlamaCppLanguageModel } from "../../src/runtime/llm/llama-cpp-language-model.ts";
import { loadEngine, loadModel, ModelSlot } from "../../src/runtime/llm/llama-engine.ts";
import { inspectModel } from "../../src/runtime/llm/model-file.ts";
import { PromptEncoder } from "../../src/runtime/llm/prompt-encoder.ts";
import type { ChatMessage } from "../../src/runtime/ports.ts";
import { seedAdapter } from "../../test/support/tiny-models.ts";
import { type BenchContext, type Benchmark, medianFigure, significant, skippedFigure, spreadOf } from "../report.ts";

const ANSWER_TOKENS = 64;
const TEMPERATURE = 1;
const CONTEXT_TOKENS = 2048;
const TICK_MS = 1;

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
  /** Of all threads; hardly disturbed by what else the machine does. */
  readonly cpuMsPerToken: number;
}

function cpuMs(): number {
  const { user: userUs, system: systemUs } = process.cpuUsage();
  return (userUs + systemUs) / 1000;
}

/** The same question, seed and sampling through the port; time from first token to last. */
async function decodeThroughPort(model: LlamaCppLanguageModel, question: string, seed: number): Promise<Decoded> {
  let firstCpuMs: number | null = null;
  const result = await model.generate(
    {
      messages: [system, user(question)],
      maxTokens: ANSWER_TOKENS,
      temperature: TEMPERATURE,
      seed,
      onText: () => {
        firstCpuMs ??= cpuMs();
      },
    },
    never,
  );
  const more = result.generatedTokens - 1;
  return {
    tokens: result.generatedTokens,
    msPerToken: (result.totalMs - result.firstTokenMs) / more,
    cpuMsPerToken: (cpuMs() - (firstCpuMs ?? 0)) / more,
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
  let firstCpuMs = 0;
  for await (const token of sequence.evaluate(prompt.slice(from), { temperature: TEMPERATURE, seed })) {
    if (tokens.length === 0) {
      firstMs = performance.now();
      firstCpuMs = cpuMs();
    }
    tokens.push(token);
    if (tokens.length === ANSWER_TOKENS) break;
  }
  model.detokenize(tokens);
  const more = tokens.length - 1;
  return {
    tokens: tokens.length,
    msPerToken: (performance.now() - firstMs) / more,
    cpuMsPerToken: (cpuMs() - firstCpuMs) / more,
  };
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
  const settings = { threads, contextTokens: ours.info.contextTokens, gpu: false, flashAttention } as const;
  const engine = await loadEngine(settings, silentLogger);
  const model = await loadModel(engine.llama, modelPath);
  const slot = await ModelSlot.open(model, [], settings);
  const encoder = new PromptEncoder(() => model, new ChatTemplate(file.chatTemplate, model.tokens.bosString ?? "", ""));

  const rounds = quick ? 20 : 60;
  const ratios: number[] = [];
  const port = { tps: [] as number[], cpu: [] as number[] };
  const direct = { tps: [] as number[], cpu: [] as number[] };
  for (let round = 0; ratios.length < rounds && round < 10 * rounds && !signal.aborted; round++) {
    const question = QUESTIONS[round % QUESTIONS.length] ?? "";
    const seed = 1000 + round;
    const prompt = encoder.encode([system, user(question)]);
    const alone = () => decodeDirectly(model, slot.sequence, prompt, seed);
    const through = () => decodeThroughPort(ours, question, seed);
    // Who goes first alternates; short answers say little about speed.
    const [a, b] = round % 2 === 0 ? [await alone(), await through()] : [await through(), await alone()].reverse();
    if (a === undefined || b === undefined || a.tokens !== b.tokens || a.tokens < 16) continue;
    ratios.push(a.msPerToken / b.msPerToken);
    direct.tps.push(1000 / a.msPerToken);
    direct.cpu.push(a.cpuMsPerToken);
    port.tps.push(1000 / b.msPerToken);
    port.cpu.push(b.cpuMsPerToken);
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
  engine.release();

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
      { what: "decode through the port", tokens_per_s: median(port.tps), cpu_ms_per_token: median(port.cpu) },
      { what: "decode, node-llama-cpp alone", tokens_per_s: median(direct.tps), cpu_ms_per_token: median(direct.cpu) },
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

/** CPU time of the main thread so far, ms: unlike the clock it does not count what other programs take. */
function mainThreadCpuMs(): number {
  return Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[0]) / 1e6;
}

/** Longest stretch of main-thread CPU time between two turns of the event loop while `work` runs. */
async function longestStretchMs(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = mainThreadCpuMs();
  const timer = setInterval(() => {
    const now = mainThreadCpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, TICK_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
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
    // The first round pays for the compiler; it happens once per start.
    for (let round = 0; round <= (quick ? 5 : 15); round++) {
      const stretchMs = await longestStretchMs(async () => {
        await model.generate({ ...request, messages: [system, ...long, user(`Number ${round}?`)] }, never);
        model.countTokens("word ".repeat(200_000));
        await model.generate({ ...request, messages: [system, user("x ".repeat(500_000))] }, never).catch(() => {});
        await model.useAdapters([{ path, scale: 1 }]);
        await model.useAdapters([]);
      });
      if (round > 0) worst.push(stretchMs);
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
