import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Profile, PromptContext } from "../../profile/ports.ts";
import type { Prompt } from "../llm/prompt.ts";
import type { ChatMessage, GenerateResult, LanguageModel } from "../ports.ts";
import type { Conversation } from "./conversation.ts";
import type { Memory } from "./ports.ts";

export interface AnsweringConfig {
  readonly factTokens: number;
  readonly exchangeTokens: number;
  readonly maxExchanges: number;
  readonly maxAnswerTokens: number;
  readonly temperature: number;
}

export interface AnsweringDeps {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly conversation: Conversation;
  /** Null while no model is loaded. */
  model(): LanguageModel | null;
  /** Messages with a prefix that stays the same between turns. */
  composePrompt(parts: PromptParts): Prompt;
}

export interface PromptParts {
  readonly context: PromptContext;
  readonly history: readonly ChatMessage[];
  readonly input: string;
}

export interface GeneratedAnswer extends GenerateResult {
  readonly contextReadyMs: number;
  /** Monotonic ms of the first text; null when none came. */
  readonly firstTextMs: number | null;
}

/** Tokens to leave room for a sentence of `words` words: English runs at about 1.5 tokens a word, and it must end. */
function answerTokens(words: number | null, maxTokens: number): number {
  return words === null ? maxTokens : Math.min(maxTokens, Math.max(8, Math.ceil(words * 1.5) + 8));
}

/** `The light` goes on as `the light` behind a name; `I` stays. */
function afterSalutation(piece: string, salutation: string): string {
  return salutation !== "" && /^\p{Lu}\p{Ll}/u.test(piece) ? piece.charAt(0).toLowerCase() + piece.slice(1) : piece;
}

/** What a guest's prompt gets of a profile. */
const NO_CONTEXT: PromptContext = { facts: [], exchanges: [], answerWords: null };

/**
 * Asks the language model: profile context, prompt, generation.
 *
 * @param profile null for a guest.
 * @throws AppError E_MODEL_NOT_READY; E_INPUT_TOO_LONG and others of the model.
 */
export async function generateAnswer(
  deps: AnsweringDeps,
  config: AnsweringConfig,
  profile: Profile | null,
  input: string,
  onText: (piece: string) => void,
  signal: AbortSignal,
): Promise<GeneratedAnswer> {
  const model = deps.model();
  if (model === null) throw new AppError("E_MODEL_NOT_READY", "no language model is loaded");
  const { factTokens, exchangeTokens, maxExchanges } = config;
  const budget = { factTokens, exchangeTokens, maxExchanges, countTokens: (text: string) => model.countTokens(text) };
  const context =
    profile === null
      ? NO_CONTEXT
      : await deps.memory.promptContext({ profileId: profile.id, input, nowMs: deps.clock.now(), ...budget });
  const history = deps.conversation.messagesAt(deps.clock.monotonicMs());
  const { messages, salutation } = deps.composePrompt({ context, history, input });
  const contextReadyMs = deps.clock.monotonicMs();
  let firstTextMs: number | null = null;
  const result = await model.generate(
    {
      messages,
      maxTokens: answerTokens(context.answerWords, config.maxAnswerTokens),
      temperature: config.temperature,
      seed: null,
      ...(context.exchangeIds === undefined
        ? {}
        : { phrases: { of: context.exchangeIds, conversation: deps.conversation.storedAt(deps.clock.monotonicMs()) } }),
      onText: (piece) => {
        const isFirst = firstTextMs === null;
        firstTextMs ??= deps.clock.monotonicMs();
        onText(isFirst ? salutation + afterSalutation(piece, salutation) : piece);
      },
    },
    signal,
  );
  return { ...result, contextReadyMs, firstTextMs };
}
