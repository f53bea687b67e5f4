import { PhraseMemory } from "../../src/runtime/llm/phrase-memory.ts";
import { PhraseMixture } from "../../src/runtime/llm/phrase-mixture.ts";
import type { EncodedDialogue } from "./dialogue-encoder.ts";
import type { Window } from "./windows.ts";

/** What is remembered while dialogues are measured in time order. */
export type MemoryScope = "dialogue" | "own";

/** A window and the model's loss of every token in its spans, nats. */
export interface MeasuredWindow {
  readonly window: Window;
  readonly losses: readonly number[];
}

/**
 * The product's phrases over a writer's dialogues. As in the service, an exchange is remembered once it is over, a phrase
 * does not reach across exchanges, and the conversation is the newest exchanges with what was said before this turn.
 */
export class DialogueMemory {
  readonly #scope: MemoryScope;
  #memory = new PhraseMemory();

  /** @param past what was said before the first measured dialogue; of no effect for the scope `dialogue`. */
  constructor(scope: MemoryScope, past: readonly EncodedDialogue[]) {
    this.#scope = scope;
    if (scope === "dialogue") return;
    for (const dialogue of past) for (const exchange of exchangesOf(dialogue)) this.#memory.add(exchange);
  }

  /** Nats over the spans of one dialogue's windows with the memory mixed in; the dialogue is remembered afterwards. */
  nats(dialogue: EncodedDialogue, windows: readonly MeasuredWindow[]): number {
    if (this.#scope === "dialogue") this.#memory = new PhraseMemory();
    const exchanges = exchangesOf(dialogue);
    let remembered = 0;
    let nats = 0;
    for (const { window, losses } of windows) {
      let next = 0;
      for (const [i, [from, to]] of window.spans.entries()) {
        const turn = window.firstTurn + i;
        const exchange = Math.floor(turn / EXCHANGE_TURNS);
        for (; remembered < exchange; remembered += 1) this.#memory.add(exchanges[remembered] ?? []);
        const said = [
          ...exchanges.slice(Math.max(0, exchange - CONVERSATION_EXCHANGES), exchange),
          begun(dialogue, turn),
        ];
        const phrases = new PhraseMixture(this.#memory, said);
        for (let at = from; at < to; at += 1) {
          const token = window.tokens[at] ?? -1;
          const ofModel = Math.exp(-(losses[next] ?? Number.NaN));
          nats -= Math.log(phrases.probability(window.tokens.slice(0, at), token, ofModel));
          next += 1;
        }
      }
    }
    for (; remembered < exchanges.length; remembered += 1) this.#memory.add(exchanges[remembered] ?? []);
    return nats;
  }
}

const EXCHANGE_TURNS = 2;
/** The default of the service's `model.historyTurns`. */
const CONVERSATION_EXCHANGES = 6;

/** The present exchange up to the words of `turn`. */
function begun({ tokens, own, learned }: EncodedDialogue, turn: number): readonly number[] {
  const first = turn - (turn % EXCHANGE_TURNS);
  return tokens.slice(first === 0 ? 0 : learned[first - 1]?.[1], own[turn]?.[0]);
}

function exchangesOf({ tokens, learned }: EncodedDialogue): (readonly number[])[] {
  const exchanges: (readonly number[])[] = [];
  let from = 0;
  for (let turn = EXCHANGE_TURNS - 1; turn < learned.length + EXCHANGE_TURNS - 1; turn += EXCHANGE_TURNS) {
    const to = learned[Math.min(turn, learned.length - 1)]?.[1] ?? tokens.length;
    exchanges.push(tokens.slice(from, to));
    from = to;
  }
  return exchanges;
}
