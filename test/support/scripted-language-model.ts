import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { Mutex } from "async-mutex";
import { AppError } from "../../src/core/errors.ts";
import { fitMessages } from "../../src/runtime/llm/context-fit.ts";
import type {
  AdapterFile,
  ChatMessage,
  GenerateRequest,
  GenerateResult,
  LanguageModel,
  ModelInfo,
  RememberedExchange,
} from "../../src/runtime/ports.ts";

/** The answer to a conversation; pure. */
export type Script = (messages: readonly ChatMessage[]) => string;

const echo: Script = (messages) => `You said: ${messages.at(-1)?.content.slice(0, 40) ?? ""}`;

/**
 * A language model for tests of what uses one: its answers are a function of the messages, one word is one token, and
 * a turn of the event loop passes per token. It passes `languageModelContract`.
 */
export class ScriptedLanguageModel implements LanguageModel {
  readonly info: ModelInfo = {
    name: "scripted",
    architecture: "llama",
    quantisation: "F32",
    sha256: createHash("sha256").update("scripted").digest("hex"),
    contextTokens: 256,
    trainedContextTokens: 256,
    parameters: 1,
  };
  /** Every request so far, oldest first. */
  readonly requests: GenerateRequest[] = [];
  /** Exchanges it may take phrases from; its script takes none. */
  remembered: readonly RememberedExchange[] = [];
  /** Adapters in use. */
  adapters: readonly AdapterFile[] = [];
  readonly #script: Script;
  readonly #turn = new Mutex();
  readonly #closing = new AbortController();
  readonly #wordIds = new Map<string, number>();
  #cached: readonly number[] = [];

  /** @param script default: repeats the first 40 characters of the user's message. */
  constructor(script: Script = echo) {
    this.#script = script;
  }

  countTokens(text: string): number {
    return wordsOf(text).length;
  }

  async remember(exchanges: readonly RememberedExchange[]): Promise<void> {
    this.remembered = exchanges;
  }

  async generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    this.requests.push(request);
    return this.#turn.runExclusive(() => this.#run(request, AbortSignal.any([signal, this.#closing.signal])));
  }

  async useAdapters(adapters: readonly AdapterFile[]): Promise<void> {
    for (const { path } of adapters) {
      if (!existsSync(path)) throw new AppError("E_ADAPTER_INVALID", `no adapter at ${path}`);
    }
    await this.#turn.runExclusive(async () => {
      this.adapters = adapters;
      this.#cached = [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
  }

  async #run(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    if (this.#closing.signal.aborted) throw new AppError("E_ABORTED", "the language model has been closed");
    const budget = this.info.contextTokens - 1 - Math.min(request.maxTokens, this.info.contextTokens / 2);
    const fitted = await fitMessages(request.messages, budget, (messages) => this.#encode(messages));
    let reusedTokens = 0;
    while (reusedTokens < fitted.tokens.length - 1 && this.#cached[reusedTokens] === fitted.tokens[reusedTokens]) {
      reusedTokens++;
    }
    const words = wordsOf(this.#script(request.messages));
    let text = "";
    let generatedTokens = 0;
    let stopReason: GenerateResult["stopReason"] = "end";
    for (const word of words) {
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) {
        stopReason = "aborted";
        break;
      }
      if (generatedTokens === request.maxTokens) {
        stopReason = "max_tokens";
        break;
      }
      generatedTokens++;
      const piece = text === "" ? word : ` ${word}`;
      text += piece;
      request.onText(piece);
    }
    if (signal.aborted) stopReason = "aborted";
    this.#cached = [...fitted.tokens, ...wordsOf(text).map((word) => this.#wordId(word))];
    return {
      text,
      stopReason,
      promptTokens: fitted.tokens.length,
      reusedTokens,
      generatedTokens,
      droppedMessages: fitted.droppedMessages,
      firstTokenMs: 0,
      totalMs: 0,
    };
  }

  #encode(messages: readonly ChatMessage[]): number[] {
    const words = messages.flatMap(({ role, content }) => [`<${role}>`, ...wordsOf(content)]);
    return [...words, "<assistant>"].map((word) => this.#wordId(word));
  }

  #wordId(word: string): number {
    const id = this.#wordIds.get(word) ?? this.#wordIds.size;
    this.#wordIds.set(word, id);
    return id;
  }
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
