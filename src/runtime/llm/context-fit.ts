import { setImmediate as nextTick } from "node:timers/promises";
import { AppError } from "../../core/errors.ts";
import type { ChatMessage } from "../ports.ts";

export interface FittedPrompt {
  readonly tokens: readonly number[];
  /** Oldest messages after the system message that were left out. */
  readonly droppedMessages: number;
  /** First message kept after the system message: hand it back next time. */
  readonly firstKept: ChatMessage | undefined;
}

/** A message beyond this many characters per token of context is refused unseen: no language is that dense. */
export const MAX_CHARS_PER_TOKEN = 16;
/** A dialogue beyond this many is cut before it is tokenised; English has about 4 characters a token. */
const DIALOGUE_CHARS_PER_TOKEN = 8;
/** After an overflow the prompt shrinks to this share, so that several turns pass before the next re-evaluation. */
const LOW_WATER = 0.75;

/**
 * The longest prompt that fits: whole exchanges are dropped oldest first, never the system messages in front and never
 * the last message.
 *
 * @param budgetTokens tokens the prompt may have.
 * @param encode       tokens of the prompt for these messages; the event loop runs between two calls.
 * @param previous     `firstKept` of the last call: as long as that cut fits it is used again, which keeps the prefix.
 * @throws AppError E_INPUT_TOO_LONG when system and last message alone do not fit; E_INTERNAL when the last message is
 *   not the user's.
 */
export async function fitMessages(
  messages: readonly ChatMessage[],
  budgetTokens: number,
  encode: (messages: readonly ChatMessage[]) => readonly number[],
  previous?: ChatMessage,
): Promise<FittedPrompt> {
  if (messages.at(-1)?.role !== "user") throw new AppError("E_INTERNAL", "the last message must be the user's");
  const middleStart = messages.findIndex(({ role }) => role !== "system");
  const system = messages.slice(0, middleStart);
  const last = messages.length - 1;
  const cuts = cutPoints(messages, middleStart).filter((cut) => {
    const chars = charsOf(system) + charsOf(messages.slice(cut));
    return chars <= budgetTokens * (cut === last ? MAX_CHARS_PER_TOKEN : DIALOGUE_CHARS_PER_TOKEN);
  });
  const attempt = async (cut: number): Promise<FittedPrompt> => {
    await nextTick();
    return {
      tokens: encode([...system, ...messages.slice(cut)]),
      droppedMessages: cut - middleStart,
      firstKept: messages[cut],
    };
  };

  const first = cuts[0];
  if (first === middleStart) {
    const whole = await attempt(first);
    if (whole.tokens.length <= budgetTokens) return whole;
  }
  const again = cuts.find((cut) => isSame(messages[cut], previous));
  if (again !== undefined && again > middleStart) {
    const kept = await attempt(again);
    if (kept.tokens.length <= budgetTokens) return kept;
  }
  let best: FittedPrompt | undefined;
  let low = 0;
  let high = cuts.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const cut = cuts[middle];
    if (cut === undefined) break;
    const candidate = await attempt(cut);
    const isLast = middle === cuts.length - 1;
    if (candidate.tokens.length <= (isLast ? budgetTokens : budgetTokens * LOW_WATER)) {
      best = candidate;
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  if (best !== undefined) return best;
  throw new AppError("E_INPUT_TOO_LONG", `the message does not fit into ${budgetTokens} tokens of context`, {
    details: { budgetTokens },
  });
}

/** Indexes at which the kept messages may begin: every user message, so that no answer stands without its question. */
function cutPoints(messages: readonly ChatMessage[], from: number): number[] {
  const cuts = [from];
  for (let i = from + 1; i < messages.length; i++) if (messages[i]?.role === "user") cuts.push(i);
  return cuts;
}

function charsOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

function isSame(a: ChatMessage | undefined, b: ChatMessage | undefined): boolean {
  return a !== undefined && b !== undefined && a.role === b.role && a.content === b.content;
}
