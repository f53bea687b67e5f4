import type { ChatMessage } from "../ports.ts";

/** A pause after which the next turn begins a new conversation, ms. */
const CONVERSATION_GAP_MS = 10 * 60_000;

export interface PastTurn {
  readonly input: string;
  readonly answer: string;
  /** Null when it was not stored. */
  readonly interactionId: string | null;
  /** Monotonic ms at which the answer ended. */
  readonly endedMs: number;
}

/** The present conversation, in memory only: gone after a pause, a profile switch or a restart. */
export class Conversation {
  readonly #maxTurns: number;
  #turns: PastTurn[] = [];

  constructor(maxTurns: number) {
    this.#maxTurns = maxTurns;
  }

  /** The turns that still belong to the conversation at `nowMs`, oldest first. */
  turnsAt(nowMs: number): readonly PastTurn[] {
    const last = this.#turns.at(-1);
    if (last !== undefined && nowMs - last.endedMs > CONVERSATION_GAP_MS) this.#turns = [];
    return this.#turns;
  }

  add(turn: PastTurn): void {
    this.#turns = [...this.#turns, turn].slice(-Math.max(1, this.#maxTurns));
  }

  clear(): void {
    this.#turns = [];
  }

  /** Ids of the stored turns of the conversation, oldest first. */
  storedAt(nowMs: number): string[] {
    if (this.#maxTurns === 0) return [];
    return this.turnsAt(nowMs).flatMap(({ interactionId }) => interactionId ?? []);
  }

  /** The newest `maxTurns` as chat messages, oldest first. */
  messagesAt(nowMs: number): ChatMessage[] {
    if (this.#maxTurns === 0) return [];
    return this.turnsAt(nowMs).flatMap(({ input, answer }): ChatMessage[] => [
      { role: "user", content: input },
      { role: "assistant", content: answer },
    ]);
  }
}
