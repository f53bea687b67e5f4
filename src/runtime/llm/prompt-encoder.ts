import type { LlamaModel, Token } from "node-llama-cpp";
import type { ChatMessage } from "../ports.ts";
import type { ChatTemplate, PromptPiece } from "./chat-template.ts";

const REMEMBERED_MESSAGES = 256;

/**
 * Messages to tokens. Text of a message never becomes a control token, whatever it contains; where that cannot happen
 * template and messages are tokenised as one text, exactly as the model saw it in training.
 */
export class PromptEncoder {
  readonly #model: () => LlamaModel;
  readonly #template: ChatTemplate;
  /** Verdicts about recent messages, oldest first: a conversation is encoded anew at every turn. */
  readonly #plain = new Map<string, boolean>();

  /** @param model the model that is loaded now; every one of them is of the same file. */
  constructor(model: () => LlamaModel, template: ChatTemplate) {
    this.#model = model;
    this.#template = template;
  }

  /** @throws AppError E_MODEL_INVALID when the chat template fails. */
  encode(messages: readonly ChatMessage[]): Token[] {
    const model = this.#model();
    const pieces = this.#template.render(messages);
    const tokens = joinSafe(pieces, (text) => this.#isPlain(text)).flatMap(({ kind, text }) =>
      model.tokenize(text, kind === "template"),
    );
    const { bos, shouldPrependBosToken } = model.tokens;
    if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
    return tokens;
  }

  count(text: string): number {
    return this.#model().tokenize(text, false).length;
  }

  /** True when no part of the text would be read as a control token. */
  #isPlain(text: string): boolean {
    const known = this.#plain.get(text);
    if (known !== undefined) return known;
    const model = this.#model();
    const isPlain = !model.tokenize(text, true).some((token) => model.isSpecialToken(token));
    if (this.#plain.size >= REMEMBERED_MESSAGES) {
      const [oldest] = this.#plain.keys();
      if (oldest !== undefined) this.#plain.delete(oldest);
    }
    this.#plain.set(text, isPlain);
    return isPlain;
  }
}

/** Joins template pieces with the message pieces between them that are plain. */
function joinSafe(pieces: readonly PromptPiece[], isPlain: (text: string) => boolean): PromptPiece[] {
  const joined: { kind: PromptPiece["kind"]; text: string }[] = [];
  for (const { kind, text } of pieces) {
    const asTemplate = kind === "template" || isPlain(text);
    const last = joined.at(-1);
    if (asTemplate && last?.kind === "template") last.text += text;
    else joined.push({ kind: asTemplate ? "template" : "message", text });
  }
  return joined;
}
