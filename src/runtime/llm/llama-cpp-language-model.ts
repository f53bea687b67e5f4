import { Mutex } from "async-mutex";
import type { LlamaModel, Token } from "node-llama-cpp";
import type { Clock } from "../../core/clock.ts";
import { AppError, toAppError } from "../../core/errors.ts";
import { fileSha256 } from "../../core/file-hash.ts";
import { collectGarbage } from "../../core/free-memory.ts";
import type { Logger } from "../../core/logger.ts";
import type {
  AdapterFile,
  ChatMessage,
  GenerateRequest,
  GenerateResult,
  LanguageModel,
  ModelInfo,
  RememberedExchange,
} from "../ports.ts";
import { type AdapterFacts, inspectAdapter } from "./adapter-file.ts";
import { ChatTemplate } from "./chat-template.ts";
import { fitMessages, MAX_CHARS_PER_TOKEN } from "./context-fit.ts";
import { flashAttentionFor } from "./flash-attention.ts";
import { generatedTokens } from "./generated-tokens.ts";
import { type Engine, type EngineOptions, type GpuChoice, loadEngine, loadModel, ModelSlot } from "./llama-engine.ts";
import { inspectModel, type ModelFile } from "./model-file.ts";
import { PromptEncoder } from "./prompt-encoder.ts";
import { RememberedPhrases } from "./remembered-phrases.ts";
import { TokenText } from "./token-text.ts";

export interface LlamaCppOptions {
  readonly modelPath: string;
  /** 0 = one fewer than the cores, at least 1. */
  readonly threads: number;
  /** Upper bound; the model's own training length bounds it too. */
  readonly contextTokens: number;
  readonly gpu: GpuChoice;
  /** Architectures allowed for answering besides llama, qwen2 and qwen3. */
  readonly extraArchitectures: readonly string[];
}

export interface LlamaCppParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Cores of the machine, for `threads: 0`. */
  readonly cores: number;
}

/**
 * The prompt is evaluated in pieces of this many tokens, so that an abort is obeyed between two of them. Not fewer:
 * ggml's flash attention has a fast path from 64 rows on (31 tokens behind 900 cost as much as 64: 137 and 153 ms on a
 * 100M model).
 */
const PREFILL_TOKENS = 64;
/**
 * node-llama-cpp never forgets an adapter while its model lives; when those that nobody uses any more take more than this,
 * or than {@link RETIRED_SHARE} of the model, the model is loaded anew.
 */
const RETIRED_ADAPTER_BYTES = 64 * 1024 * 1024;
/** Loading anew costs time in proportion to the model; so may what is kept to spare that. */
const RETIRED_SHARE = 1 / 8;

/**
 * A GGUF chat model run by node-llama-cpp (llama.cpp in this process, computing on its own threads).
 *
 * INVARIANTS: `#turn` is held while the sequence is evaluated, and while a retired slot is disposed of, so that a
 * running generate finishes on the slot it began with. `#swap` orders adapter changes; `#slot` changes under `#swap`
 * only. What `#slot.sequence.contextTokens` lists is what its KV cache holds.
 */
export class LlamaCppLanguageModel implements LanguageModel {
  readonly info: ModelInfo;
  readonly #file: ModelFile;
  readonly #options: EngineOptions;
  readonly #parts: LlamaCppParts;
  readonly #engine: Engine;
  readonly #turn = new Mutex();
  readonly #swap = new Mutex();
  readonly #closing = new AbortController();
  readonly #encoder: PromptEncoder;
  readonly #phrases = new RememberedPhrases((messages) => this.#encoder.encode(messages));
  #slot: ModelSlot;
  /** Adapters that the present model has in memory, by resolved path: what was in the file, and its size. */
  #loadedAdapters = new Map<string, AdapterFacts>();
  #firstKept: ChatMessage | undefined;

  private constructor(
    file: ModelFile,
    sha256: string,
    options: EngineOptions,
    parts: LlamaCppParts,
    engine: Engine,
    slot: ModelSlot,
  ) {
    this.#file = file;
    this.#options = options;
    this.#parts = parts;
    this.#engine = engine;
    this.#slot = slot;
    const { tokens } = slot.model;
    this.#encoder = new PromptEncoder(
      () => this.#slot.model,
      new ChatTemplate(file.chatTemplate, tokens.bosString ?? "", tokens.eosString ?? ""),
    );
    this.info = {
      name: file.name,
      architecture: file.architecture,
      quantisation: file.quantisation,
      sha256,
      contextTokens: slot.context.contextSize,
      trainedContextTokens: file.trainedContextTokens,
      parameters: file.parameters,
    };
  }

  /**
   * Checks the file, loads library and model, and makes the first context.
   * @throws AppError E_MODEL_MISSING, E_MODEL_TRUNCATED, E_MODEL_INVALID, E_ARCH_UNSUPPORTED, E_MODEL_MEMORY,
   *   E_MODEL_LOAD, E_LLM_UNAVAILABLE, E_FILE_UNREADABLE, E_ABORTED.
   */
  static async load(
    options: LlamaCppOptions,
    parts: LlamaCppParts,
    signal?: AbortSignal,
  ): Promise<LlamaCppLanguageModel> {
    const file = await inspectModel(options.modelPath, options.extraArchitectures);
    const sha256 = await fileSha256(options.modelPath, signal);
    const settings: EngineOptions = {
      threads: options.threads > 0 ? options.threads : Math.max(1, parts.cores - 1),
      contextTokens: Math.min(options.contextTokens, file.trainedContextTokens),
      gpu: options.gpu,
      flashAttention: flashAttentionFor(file, options.gpu),
    };
    const engine = await loadEngine(settings, parts.logger);
    let model: LlamaModel | null = null;
    try {
      model = await loadModel(engine.llama, file.path, signal);
      const slot = await ModelSlot.open(model, [], settings);
      return new LlamaCppLanguageModel(file, sha256, settings, parts, engine, slot);
    } catch (error) {
      await model?.dispose();
      engine.release();
      throw error;
    }
  }

  countTokens(text: string): number {
    const limit = this.info.contextTokens * MAX_CHARS_PER_TOKEN;
    if (text.length <= limit) return this.#encoder.count(text);
    // Longer than any prompt may be: an estimate says so without blocking the event loop for a megabyte.
    return Math.ceil((this.#encoder.count(text.slice(0, limit)) / limit) * text.length);
  }

  async remember(exchanges: readonly RememberedExchange[]): Promise<void> {
    await this.#swap.runExclusive(async () => {
      this.#ensureOpen();
      await this.#phrases.replace(exchanges);
    });
  }

  async generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    const startedMs = this.#parts.clock.monotonicMs();
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    return this.#turn.runExclusive(async () => {
      this.#ensureOpen();
      const slot = this.#slot;
      try {
        return await this.#run(slot, request, stop, startedMs);
      } catch (error) {
        if (error instanceof AppError) throw error;
        // What the KV cache holds is unknown now.
        await slot.sequence.clearHistory().catch(() => {});
        throw new AppError("E_GENERATION_FAILED", "llama.cpp failed while answering", { cause: error });
      }
    });
  }

  async useAdapters(adapters: readonly AdapterFile[]): Promise<void> {
    await this.#swap.runExclusive(async () => {
      this.#ensureOpen();
      const facts = new Map<string, AdapterFacts>();
      for (const { path, scale } of adapters) {
        if (!Number.isFinite(scale)) throw new AppError("E_ADAPTER_INVALID", `the scale of ${path} is not a number`);
        facts.set(path, await inspectAdapter(path, this.#file));
      }
      const old = this.#slot;
      const isFresh = this.#needsFreshModel(facts);
      const model = isFresh ? await loadModel(this.#engine.llama, this.#file.path, this.#closing.signal) : old.model;
      const next = await ModelSlot.open(model, adapters, this.#options).catch(async (error: unknown) => {
        if (isFresh) await model.dispose();
        throw toAppError(error, "E_ADAPTER_INVALID", "llama.cpp refused the adapter");
      });
      if (isFresh) this.#loadedAdapters.clear();
      for (const [path, fact] of facts) this.#loadedAdapters.set(path, fact);
      this.#slot = next;
      await this.#turn.runExclusive(async () => {
        await old.dispose();
        if (isFresh) await old.model.dispose();
      });
      if (isFresh) collectGarbage();
      this.#parts.logger.info({ adapters: adapters.length, model_reloaded: isFresh }, "adapters changed");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#swap.runExclusive(() =>
      this.#turn.runExclusive(async () => {
        await this.#slot.dispose();
        await this.#slot.model.dispose();
        this.#engine.release();
      }),
    );
  }

  async #run(
    slot: ModelSlot,
    request: GenerateRequest,
    signal: AbortSignal,
    startedMs: number,
  ): Promise<GenerateResult> {
    const { clock } = this.#parts;
    const contextTokens = this.info.contextTokens;
    const reserved = Math.min(request.maxTokens, contextTokens >> 1);
    const fitted = await fitMessages(
      request.messages,
      // One cell stays free: node-llama-cpp shifts the context when the last one is taken.
      contextTokens - 1 - reserved,
      (messages) => this.#encoder.encode(messages),
      this.#firstKept,
    );
    this.#firstKept = fitted.firstKept;
    const prompt = fitted.tokens as readonly Token[];
    const reusedTokens = await this.#keepPrefix(slot, prompt);
    const text = new TokenText<Token>((tokens, before) => slot.model.detokenize(tokens, false, before));
    let answer = "";
    const emit = (piece: string) => {
      if (piece === "") return;
      answer += piece;
      request.onText(piece);
    };
    let generated = 0;
    let firstTokenMs = 0;
    let stopReason: GenerateResult["stopReason"] = signal.aborted ? "aborted" : "end";
    const rest = await this.#prefill(slot, prompt.slice(reusedTokens), signal);
    if (rest === null) {
      stopReason = "aborted";
    } else {
      const maxTokens = Math.min(request.maxTokens, contextTokens - 1 - prompt.length);
      const { content: input = "" } = request.messages.at(-1) ?? {};
      const phrases = request.phrases === undefined ? null : this.#phrases.within(request.phrases, input);
      for await (const token of generatedTokens(slot, prompt, rest, request, phrases)) {
        if (generated === 0) firstTokenMs = clock.monotonicMs() - startedMs;
        generated++;
        emit(text.push(token));
        if (signal.aborted) stopReason = "aborted";
        else if (generated >= maxTokens) stopReason = "max_tokens";
        else continue;
        break;
      }
      emit(text.end());
    }
    const totalMs = clock.monotonicMs() - startedMs;
    return {
      text: answer.trimEnd(),
      stopReason,
      promptTokens: prompt.length,
      reusedTokens,
      generatedTokens: generated,
      droppedMessages: fitted.droppedMessages,
      firstTokenMs: generated === 0 ? totalMs : firstTokenMs,
      totalMs,
    };
  }

  /** Erases what differs from the new prompt; returns how many of its tokens the cache still holds. */
  async #keepPrefix(slot: ModelSlot, prompt: readonly Token[]): Promise<number> {
    const { sequence } = slot;
    const cached = sequence.contextTokens;
    // At least one token must be evaluated, to have logits to sample from.
    const most = Math.min(cached.length, prompt.length - 1);
    let same = 0;
    while (same < most && cached[same] === prompt[same]) same++;
    if (same < cached.length) await sequence.eraseContextTokenRanges([{ start: same, end: cached.length }]);
    // Models whose cache cannot be cut (recurrent, sliding window) fall back to an earlier state.
    return Math.min(same, sequence.nextTokenIndex);
  }

  /** Evaluates all but the last stretch of the prompt; null when the signal fired in between. */
  async #prefill(slot: ModelSlot, tokens: readonly Token[], signal: AbortSignal): Promise<Token[] | null> {
    let from = 0;
    while (!signal.aborted) {
      if (tokens.length - from < 2 * PREFILL_TOKENS) return tokens.slice(from);
      await slot.sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(from, from + PREFILL_TOKENS));
      from += PREFILL_TOKENS;
    }
    return null;
  }

  /**
   * True when the present model would give old weights for a path whose file changed, or keeps too many adapters that
   * nobody uses.
   */
  #needsFreshModel(wanted: ReadonlyMap<string, AdapterFacts>): boolean {
    let retiredBytes = 0;
    for (const [path, loaded] of this.#loadedAdapters) {
      const next = wanted.get(path);
      if (next === undefined) retiredBytes += loaded.sizeBytes;
      else if (next.sha256 !== loaded.sha256) return true;
    }
    return retiredBytes > Math.min(RETIRED_ADAPTER_BYTES, this.#file.sizeBytes * RETIRED_SHARE);
  }

  #ensureOpen(): void {
    if (this.#closing.signal.aborted) throw new AppError("E_ABORTED", "the language model has been closed");
  }
}
