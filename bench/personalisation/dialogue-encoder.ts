import type { TrainingMessage, TrainingTextEncoder } from "../../src/adapt/ports.ts";
import { countWords } from "./writers.ts";

type Span = readonly [from: number, to: number];

/** A dialogue in tokens. */
export interface EncodedDialogue {
  readonly tokens: readonly number[];
  /** Every turn with the token that ends it: what is trained on. */
  readonly learned: readonly Span[];
  /** The writer's words alone, template left out: what is measured. */
  readonly own: readonly Span[];
  readonly words: number;
}

interface EncodedTurn {
  readonly tokens: readonly number[];
  readonly span: Span;
}

/**
 * Turns dialogues into the tokens that the assistant would see, user and assistant in turn.
 *
 * A template is rendered for the whole dialogue at every turn, which takes long for thousands of them; where a dialogue is
 * its turns one behind the other (checked on the first dialogues with the real template), turns are rendered once.
 */
export class DialogueEncoder {
  readonly #encoder: TrainingTextEncoder;
  readonly #turns = new Map<string, EncodedTurn>();
  #between: readonly number[] | null = null;
  #checked = 0;

  constructor(encoder: TrainingTextEncoder) {
    this.#encoder = encoder;
  }

  encode(turns: readonly string[]): EncodedDialogue {
    const words = turns.reduce((sum, turn) => sum + countWords(turn), 0);
    if (this.#checked >= CHECKED && this.#between !== null) return { ...this.#joined(turns, this.#between), words };
    const whole = this.#whole(turns);
    if (this.#checked < CHECKED) this.#learnSeparator(turns, whole);
    return { ...whole, words };
  }

  /** Whole exchanges as they stand in front of a dialogue; only read. */
  exchangePrefix(turns: readonly string[]): readonly number[] {
    return this.#before([...turns, PROBE], this.encode([...turns, PROBE]).tokens);
  }

  /** A system message as it stands in front of a dialogue; only read. */
  systemPrefix(content: string): readonly number[] {
    const messages: TrainingMessage[] = [
      { role: "system", content },
      { role: "user", content: PROBE },
    ];
    return this.#before([PROBE], this.#encoder.encode({ kind: "messages", messages, learn: "user" })[0]?.tokens ?? []);
  }

  #before(turns: readonly string[], tokens: readonly number[]): readonly number[] {
    return tokens.slice(0, tokens.length - this.#turn(turns.at(-1) ?? PROBE, turns.length - 1).tokens.length);
  }

  #whole(turns: readonly string[]): Omit<EncodedDialogue, "words"> {
    const [sequence] = this.#encoder.encode({ kind: "messages", messages: messagesOf(turns), learn: "all" });
    const { tokens, targets } = sequence ?? { tokens: [], targets: [] };
    return { tokens, learned: targets, own: targets.map(([from, to]) => [from, Math.max(from + 1, to - 1)] as const) };
  }

  #joined(turns: readonly string[], between: readonly number[]): Omit<EncodedDialogue, "words"> {
    const tokens: number[] = [];
    const learned: Span[] = [];
    const own: Span[] = [];
    for (const [i, turn] of turns.entries()) {
      if (i > 0) tokens.push(...between);
      const encoded = this.#turn(turn, i);
      const [from, to] = encoded.span;
      learned.push([tokens.length + from, tokens.length + to]);
      own.push([tokens.length + from, Math.max(tokens.length + from + 1, tokens.length + to - 1)]);
      tokens.push(...encoded.tokens);
    }
    return { tokens, learned, own };
  }

  #turn(turn: string, i: number): EncodedTurn {
    const key = `${i % 2}${turn}`;
    const known = this.#turns.get(key);
    if (known !== undefined) return known;
    const messages: TrainingMessage[] = [{ role: i % 2 === 0 ? "user" : "assistant", content: turn }];
    const [sequence] = this.#encoder.encode({ kind: "messages", messages, learn: "all" });
    const [span = [0, 0]] = sequence?.targets ?? [];
    const encoded = { tokens: sequence?.tokens ?? [], span };
    this.#turns.set(key, encoded);
    return encoded;
  }

  /** What stands between two turns, from a real dialogue; given up for good when joining does not give the same tokens. */
  #learnSeparator(turns: readonly string[], whole: Omit<EncodedDialogue, "words">): void {
    if (turns.length < 3) return;
    const separator = this.#between ?? this.#separatorIn(turns, whole);
    this.#checked += 1;
    this.#between =
      separator !== null && this.#checked <= CHECKED && sameTokens(this.#joined(turns, separator), whole)
        ? separator
        : null;
    if (this.#between === null) this.#checked = Number.NEGATIVE_INFINITY;
  }

  #separatorIn(turns: readonly string[], whole: Omit<EncodedDialogue, "words">): readonly number[] | null {
    const end = whole.learned[0]?.[1];
    const next = whole.learned[1]?.[0];
    const [second] = turns.slice(1);
    if (end === undefined || next === undefined || second === undefined) return null;
    try {
      const lead = this.#turn(second, 1).span[0];
      return next - lead >= end ? whole.tokens.slice(end, next - lead) : null;
    } catch {
      return null; // a template that insists on a user's turn first
    }
  }
}

/** Dialogues on which joining is compared with the template. */
const CHECKED = 5;
/** A turn that is put behind a prefix and cut off again. */
const PROBE = "Yes.";

function messagesOf(turns: readonly string[]): TrainingMessage[] {
  return turns.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
}

function sameTokens(a: Omit<EncodedDialogue, "words">, b: Omit<EncodedDialogue, "words">): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
