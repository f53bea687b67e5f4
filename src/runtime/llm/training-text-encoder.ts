import type { LlamaModel, Token } from "node-llama-cpp";
import type {
  EncodedText,
  LearnedTurns,
  TrainingMessage,
  TrainingText,
  TrainingTextEncoder,
} from "../../adapt/ports.ts";
import { AppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { ChatTemplate } from "./chat-template.ts";
import { type Engine, loadEngine } from "./llama-engine.ts";
import { inspectModel, type ModelFile } from "./model-file.ts";
import { PromptEncoder } from "./prompt-encoder.ts";

/** Where one answer stands in a sequence: behind its prompt, up to and with the token that ends it. */
interface Answer {
  readonly tokens: readonly Token[];
  readonly from: number;
}

/**
 * {@link TrainingTextEncoder} by the vocabulary of a GGUF and the same template and tokeniser that {@link PromptEncoder}
 * gives the assistant, so that what is trained is what is asked later.
 */
export class LlamaTrainingTextEncoder implements TrainingTextEncoder {
  readonly vocabularyTokens: number;
  readonly trainedContextTokens: number;
  readonly #engine: Engine;
  readonly #model: LlamaModel;
  readonly #prompts: PromptEncoder;

  private constructor(file: ModelFile, engine: Engine, model: LlamaModel) {
    this.vocabularyTokens = file.vocabularyTokens;
    this.trainedContextTokens = file.trainedContextTokens;
    this.#engine = engine;
    this.#model = model;
    const { bosString, eosString } = model.tokens;
    this.#prompts = new PromptEncoder(
      () => model,
      new ChatTemplate(file.chatTemplate, bosString ?? "", eosString ?? ""),
    );
  }

  /**
   * Loads the vocabulary only: no weights.
   * @throws AppError as {@link inspectModel}; E_LLM_UNAVAILABLE; E_MODEL_LOAD.
   */
  static async open(modelPath: string, logger: Logger): Promise<LlamaTrainingTextEncoder> {
    const file = await inspectModel(modelPath);
    const engine = await loadEngine({ threads: 1, contextTokens: 8, gpu: false }, logger);
    try {
      const model = await engine.llama.loadModel({ modelPath, vocabOnly: true });
      return new LlamaTrainingTextEncoder(file, engine, model);
    } catch (error) {
      engine.release();
      throw new AppError("E_MODEL_LOAD", `llama.cpp could not load the vocabulary of ${modelPath}`, { cause: error });
    }
  }

  encode(text: TrainingText): readonly EncodedText[] {
    if (text.kind === "text") return [this.#encodePlain(text.text)];
    return this.#encodeMessages(text.messages, text.learn ?? "assistant");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.dispose();
    this.#engine.release();
  }

  #encodePlain(text: string): EncodedText {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens = this.#model.tokenize(text, false);
    if (shouldPrependBosToken && bos !== null) tokens.unshift(bos);
    if (tokens.length < 2) throw new AppError("E_DATA_INVALID", "the text has no second token to predict");
    return { tokens, targets: [[1, tokens.length]] };
  }

  #encodeMessages(messages: readonly TrainingMessage[], learn: LearnedTurns): EncodedText[] {
    const answers = messages.flatMap(({ role, content }, i) => {
      if (content.trim() === "" || !isLearned(role, i === messages.length - 1, learn)) return [];
      const untilHere = messages.slice(0, i + 1);
      return [role === "assistant" ? this.#answer(untilHere) : this.#utterance(untilHere)];
    });
    if (answers.length === 0) throw new AppError("E_DATA_INVALID", "the dialogue has nothing to learn from");
    // An earlier answer whose sequence is the beginning of a later one is trained on there.
    const sequences: { tokens: readonly Token[]; targets: [number, number][] }[] = [];
    for (const { tokens, from } of answers) {
      const last = sequences.at(-1);
      if (last?.tokens.every((token, i) => token === tokens[i])) {
        last.tokens = tokens;
        last.targets.push([from, tokens.length]);
      } else {
        sequences.push({ tokens, targets: [[from, tokens.length]] });
      }
    }
    return sequences;
  }

  /** The prompt as the assistant would see it, then the last message with the token that ends it. */
  #answer(messages: readonly TrainingMessage[]): Answer {
    const prompt = this.#prompts.encode(messages.slice(0, -1));
    const whole = this.#prompts.encode(messages);
    const isContinuation = prompt.every((token, i) => token === whole[i]);
    const end = isContinuation ? whole.findIndex((token, i) => i > prompt.length && this.#model.isEogToken(token)) : -1;
    if (end > 0) return { tokens: whole.slice(0, end + 1), from: prompt.length };
    // The template ends no answer by a token of its own, or the tokeniser joins prompt and answer: put them together.
    const { eot, eos } = this.#model.tokens;
    const ending = eot ?? eos;
    const answer = this.#model.tokenize(
      this.#spaced(prompt, messages.at(-1)?.content.trim() ?? ""),
      false,
      "trimLeadingSpace",
    );
    return { tokens: [...prompt, ...answer, ...(ending === null ? [] : [ending])], from: prompt.length };
  }

  /**
   * The last message in the user's role: what differs from the same dialogue with that message empty, and the token
   * that ends it.
   */
  #utterance(messages: readonly TrainingMessage[]): Answer {
    const last = messages.at(-1);
    const whole = this.#prompts.encode(messages);
    const empty = this.#prompts.encode([...messages.slice(0, -1), { role: last?.role ?? "user", content: "" }]);
    let from = 0;
    while (from < empty.length && whole[from] === empty[from]) from += 1;
    let behind = 0;
    while (behind < empty.length - from && whole.at(-1 - behind) === empty.at(-1 - behind)) behind += 1;
    const to = whole.length - behind;
    const ending = whole[to];
    const isEnded = ending !== undefined && this.#model.isEogToken(ending);
    return { tokens: whole.slice(0, isEnded ? to + 1 : to), from: Math.max(1, from) };
  }

  /** A prompt that ends in a word or a colon is followed by a space. */
  #spaced(prompt: readonly Token[], answer: string): string {
    return /\S$/.test(this.#model.detokenize(prompt.slice(-1), true)) ? ` ${answer}` : answer;
  }
}

function isLearned(role: TrainingMessage["role"], isLast: boolean, learn: LearnedTurns): boolean {
  if (role === "system") return false;
  return learn === "all" || (learn === "last" ? isLast : role === learn);
}
