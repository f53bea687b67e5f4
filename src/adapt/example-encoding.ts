import { isAppError } from "../core/errors.ts";
import { mapInPieces } from "../core/map-in-pieces.ts";
import type { TrainingExample } from "./examples.ts";
import type { EncodedText, TrainingMessage, TrainingText, TrainingTextEncoder } from "./ports.ts";
import type { TokenExample } from "./token-file.ts";

/** Examples encoded before the event loop gets its turn: about 1 ms each on x86, and a profile may give 15,000. */
const AT_ONCE = 8;

/** An example in tokens. */
export interface EncodedExample {
  readonly example: TrainingExample;
  /** One as a rule; `id` is the example's, with `.1`, `.2`, ... behind further ones. */
  readonly sequences: readonly TokenExample[];
  /** Tokens of all of them, and how many are predicted. */
  readonly tokens: number;
  readonly targetTokens: number;
}

export interface EncodedExamples {
  readonly encoded: readonly EncodedExample[];
  /** Ids of those that do not fit or have nothing to learn. */
  readonly skipped: readonly string[];
}

/**
 * Tokenises examples, giving way to other work in between. One that is too long loses its oldest turns; one whose own exchange alone is too long is skipped.
 *
 * @param maxTokens longest sequence; the base's own training length bounds it too.
 * @throws AppError E_MODEL_INVALID when the model's template fails.
 */
export async function encodeExamples(
  examples: readonly TrainingExample[],
  encoder: TrainingTextEncoder,
  maxTokens: number,
): Promise<EncodedExamples> {
  const limit = Math.min(maxTokens, encoder.trainedContextTokens);
  const all = await mapInPieces(examples, AT_ONCE, (example) => {
    const sequences = fittedSequences(example.text, encoder, limit);
    return sequences === null ? null : asEncoded(example, sequences);
  });
  const skipped = examples.filter((_, i) => all[i] === null).map(({ id }) => id);
  return { encoded: all.filter((each) => each !== null), skipped };
}

function asEncoded(example: TrainingExample, texts: readonly EncodedText[]): EncodedExample {
  const { objective, weight } = example;
  const sequences = texts.map(({ tokens, targets }, i): TokenExample => {
    const id = i === 0 ? example.id : `${example.id}.${i}`;
    const base = { id, weight, tokens, targets };
    return objective.kind === "ce" ? { ...base, kind: "ce" } : { ...base, kind: "kto", desirable: objective.desirable };
  });
  return {
    example,
    sequences,
    tokens: texts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    targetTokens: texts.reduce((sum, { targets }) => sum + targets.reduce((n, [from, to]) => n + to - from, 0), 0),
  };
}

function fittedSequences(
  text: TrainingText,
  encoder: TrainingTextEncoder,
  limit: number,
): readonly EncodedText[] | null {
  for (let shorter: TrainingText | null = text; shorter !== null; shorter = withoutOldestTurn(shorter)) {
    const sequences = encodedOrNull(shorter, encoder);
    if (sequences === null) return null;
    if (sequences.every(({ tokens }) => tokens.length <= limit)) return sequences;
  }
  return null;
}

function encodedOrNull(text: TrainingText, encoder: TrainingTextEncoder): readonly EncodedText[] | null {
  try {
    return encoder.encode(text);
  } catch (error) {
    if (isAppError(error, "E_DATA_INVALID")) return null;
    throw error;
  }
}

/** Without the oldest user message and its answer; null when only the example's own exchange is left. */
function withoutOldestTurn(text: TrainingText): TrainingText | null {
  if (text.kind === "text") return null;
  const { messages } = text;
  const first = messages.findIndex(({ role }) => role === "user");
  const next = messages.findIndex(({ role }, i) => i > first && role === "user");
  if (first < 0 || next < 0) return null;
  const dropped = (message: TrainingMessage, i: number) => i >= first && i < next && message.role !== "system";
  return { ...text, messages: messages.filter((message, i) => !dropped(message, i)) };
}
