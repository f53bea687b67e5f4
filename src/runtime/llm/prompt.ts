import type { PromptContext } from "../../profile/ports.ts";
import type { ChatMessage } from "../ports.ts";

export interface PromptInput {
  /** Who the assistant is; configuration, the same for every turn. */
  readonly persona: string;
  readonly context: PromptContext;
  /** The present conversation, oldest first, user and assistant in turn. */
  readonly recent: readonly ChatMessage[];
  readonly input: string;
  readonly nowMs: number;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
  /** Address the user by name when a fact gives one. */
  readonly addressByName: boolean;
  /** Only what a model of a few million parameters can use: no time of day, the last {@link SMALL_MODEL_TURNS} turns. */
  readonly isSmallModel: boolean;
}

export interface Prompt {
  readonly messages: readonly ChatMessage[];
  /**
   * Said before the answer, e.g. `Sam, `; empty for none. It is not part of what the model reads: a 2M model that has to go
   * on from `Sam,` loses its thread ("turn on the kitchen lights" -> "Sam, the kitchen." instead of "The light is on.").
   */
  readonly salutation: string;
}

/** Below this many parameters a model ignores facts in its system message, and longer dialogues confuse it. */
const SMALL_MODEL_PARAMETERS = 50_000_000;
const SMALL_MODEL_TURNS = 2;

/** The default of {@link PromptInput.isSmallModel} and of {@link PromptInput.addressByName} for a model. */
export function isSmallModel(parameters: number): boolean {
  return parameters < SMALL_MODEL_PARAMETERS;
}

/**
 * The messages of one turn, most stable first, so that the KV cache of the last turn serves again: persona and facts,
 * then the conversation, then what belongs to this turn alone (time, retrieved exchanges), then the user's words.
 *
 * Retrieved exchanges stand in a note directly before the input. Measured on the shipped model (mean nats per token of
 * the remembered answer to a rephrased question, 8 exchanges): without -2.49, in the system message -2.43, as a past
 * exchange before the conversation -2.44, as this note -2.38, as an exchange after the conversation -2.35. The last is
 * not used since it would claim that the exchange has just happened ("turn it off" would mean the wrong thing).
 */
export function buildPrompt(parts: PromptInput): Prompt {
  const { persona, context, recent, input, nowMs, timeZone } = parts;
  const system = [persona, ...context.facts.map(({ statement }) => statement)];
  if (context.answerWords !== null)
    system.push(`Answer in about ${Math.max(1, Math.round(context.answerWords))} words.`);
  const note = parts.isSmallModel ? [] : [`It is ${spokenTime(nowMs, timeZone)}.`];
  for (const exchange of context.exchanges) {
    note.push(`Earlier the user said: ${oneLine(exchange.input)}`, `You answered: ${oneLine(exchange.answer)}`);
  }
  const name = parts.addressByName ? context.facts.find(({ kind }) => kind === "name")?.value.trim() : undefined;
  return {
    messages: [
      { role: "system", content: system.map(oneLine).join("\n") },
      ...(parts.isSmallModel ? recent.slice(-2 * SMALL_MODEL_TURNS) : recent),
      ...(note.length === 0 ? [] : [{ role: "system" as const, content: note.join("\n") }]),
      { role: "user", content: input },
    ],
    salutation: name ? `${name}, ` : "",
  };
}

/** E.g. `Monday, 5 January 2026, 12:00`; put together here, since ICU versions differ in their commas. */
function spokenTime(nowMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone,
  }).formatToParts(nowMs);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return `${part("weekday")}, ${part("day")} ${part("month")} ${part("year")}, ${part("hour")}:${part("minute")}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
