import { Template } from "@huggingface/jinja";
import { AppError } from "../../core/errors.ts";
import { patternMatches } from "../../core/pattern-matches.ts";
import type { ChatMessage } from "../ports.ts";

/** A stretch of the prompt: template text may hold control tokens, message text never counts as one. */
export interface PromptPiece {
  readonly kind: "template" | "message";
  readonly text: string;
}

/** Used when the file brings no template: plain text, which any base model can continue. */
const PLAIN_TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n{% elif m.role == 'user' %}User: {{ m.content }}\n{% else %}Assistant: {{ m.content }}\n{% endif %}{% endfor %}Assistant:";

/** Private-use characters around an index stand for a message while the template runs. */
const MARK = /\uE0A5(\d+)\uE0A6/g;
const PRIVATE_MARKS = /[\uE0A5\uE0A6]/g;

/** Renders messages by the model's own Jinja chat template, as pieces. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #bosToken: string;
  readonly #eosToken: string;

  /**
   * @param source `tokenizer.chat_template` of the GGUF, or null for plain text.
   * @throws AppError E_MODEL_INVALID when the template cannot be parsed.
   */
  constructor(source: string | null, bosToken: string, eosToken: string) {
    try {
      this.#template = new Template(source ?? PLAIN_TEMPLATE);
    } catch (error) {
      throw new AppError("E_MODEL_INVALID", "the model's chat template cannot be parsed", { cause: error });
    }
    this.#bosToken = bosToken;
    this.#eosToken = eosToken;
  }

  /**
   * Pieces of the whole prompt, ending where the assistant begins to speak. Message texts are trimmed, as most
   * templates do. A template that refuses system messages (Gemma), or refuses them between others (Mistral), gets each
   * one in front of the user message that follows it.
   *
   * @throws AppError E_MODEL_INVALID when the template fails for both forms.
   */
  render(messages: readonly ChatMessage[]): PromptPiece[] {
    const contents = messages.map((message) => message.content.replace(PRIVATE_MARKS, "").trim());
    const marked = messages.map(({ role }, i) => ({ role, content: contents[i] === "" ? "" : `\uE0A5${i}\uE0A6` }));
    return splitAtMarks(this.#renderMarked(marked), contents);
  }

  #renderMarked(messages: readonly ChatMessage[]): string {
    try {
      return this.#renderText(messages);
    } catch (error) {
      try {
        return this.#renderText(withoutSystem(messages));
      } catch {
        throw new AppError("E_MODEL_INVALID", "the model's chat template does not accept an ordinary conversation", {
          cause: error,
        });
      }
    }
  }

  #renderText(messages: readonly ChatMessage[]): string {
    return this.#template.render({
      messages,
      bos_token: this.#bosToken,
      eos_token: this.#eosToken,
      add_generation_prompt: true,
      // Qwen3: a spoken answer must not wait for a monologue.
      enable_thinking: false,
    });
  }
}

function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  let pending = "";
  for (const { role, content } of messages) {
    if (role === "system") {
      pending += `${content}\n\n`;
    } else {
      merged.push({ role, content: role === "user" ? pending + content : content });
      if (role === "user") pending = "";
    }
  }
  return merged;
}

function splitAtMarks(text: string, contents: readonly string[]): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let from = 0;
  for (const match of patternMatches(text, MARK)) {
    if (match.index > from) pieces.push({ kind: "template", text: text.slice(from, match.index) });
    pieces.push({ kind: "message", text: contents[Number(match[1])] ?? "" });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ kind: "template", text: text.slice(from) });
  return pieces;
}
