import { setImmediate } from "node:timers/promises";
import type { AllowedPhrases, ChatMessage, RememberedExchange } from "../ports.ts";
import { PhraseMemory } from "./phrase-memory.ts";
import { PhraseMixture } from "./phrase-mixture.ts";

/** Exchanges encoded before the event loop gets its turn. */
const AT_ONCE = 16;

interface Encoded {
  /** What was encoded: an answer that was corrected since is encoded again. User text. */
  readonly text: string;
  readonly tokens: readonly number[];
}

/** The phrase memory of the exchanges that may be taken up in answers. Lives in memory only. */
export class RememberedPhrases {
  readonly #encode: (messages: readonly ChatMessage[]) => readonly number[];
  #encoded = new Map<string, Encoded>();
  #memory = new PhraseMemory();

  /** @param encode messages to tokens as the model reads them. */
  constructor(encode: (messages: readonly ChatMessage[]) => readonly number[]) {
    this.#encode = encode;
  }

  /** Replaces what was remembered; only what is new is encoded. */
  async replace(exchanges: readonly RememberedExchange[]): Promise<void> {
    const next = new Map<string, Encoded>();
    let fresh = 0;
    for (const { id, input, answer } of exchanges) {
      const text = `${input}\n${answer ?? ""}`;
      const known = this.#encoded.get(id);
      if (known?.text === text) {
        next.set(id, known);
        continue;
      }
      next.set(id, { text, tokens: this.#encode(messagesOf(input, answer)) });
      fresh += 1;
      if (fresh % AT_ONCE === 0) await setImmediate();
    }
    const before = [...this.#encoded.values()];
    const after = [...next.values()];
    // As a rule the oldest have gone and new ones have come; anything else is rare and done anew.
    const first = after[0];
    const gone = first === undefined ? -1 : before.indexOf(first);
    const isContinued = gone >= 0 && before.slice(gone).every((each, i) => after[i] === each);
    if (isContinued) this.#memory.forgetOldest(before.slice(0, gone).map(({ tokens }) => tokens.length));
    else this.#memory = new PhraseMemory();
    for (const { tokens } of isContinued ? after.slice(before.length - gone) : after) this.#memory.add(tokens);
    this.#encoded = next;
  }

  /**
   * What the answer to `input` may take up, or null when there is nothing or part of it is not among what is allowed. Of
   * the conversation, exchanges that are remembered, as they are remembered: without a disliked answer, with a correction.
   */
  within({ of, conversation }: AllowedPhrases, input: string): PhraseMixture | null {
    if (this.#memory.size === 0) return null;
    for (const id of this.#encoded.keys()) if (!of.has(id)) return null;
    const said = conversation.flatMap((id) => {
      const exchange = this.#encoded.get(id);
      return exchange === undefined ? [] : [exchange.tokens];
    });
    return new PhraseMixture(this.#memory, [...said, this.#encode(messagesOf(input, null))]);
  }
}

function messagesOf(input: string, answer: string | null): ChatMessage[] {
  const user: ChatMessage = { role: "user", content: input };
  return answer === null ? [user] : [user, { role: "assistant", content: answer }];
}
