import { type Followers, PhraseMemory } from "./phrase-memory.ts";

/** How far phrases of one length are trusted: sigmoid(bias + perPlace ln n + perChoice ln d). */
export interface PhraseGate {
  /** Where the phrase was found: in all that is remembered, or in the present conversation. */
  readonly source: "memory" | "conversation";
  /** Known tokens, from 1 on. */
  readonly known: number;
  readonly bias: number;
  /** n = places at which these tokens are known. */
  readonly perPlace: number;
  /** d = different tokens that followed there. */
  readonly perChoice: number;
}

/** A gate's share of the mixture and what it would say. */
interface Level extends Followers {
  readonly weight: number;
}

/**
 * The prediction of a language model mixed with what a person has said before:
 * p_k = (1 - w_k) p_(k-1) + w_k c_k / n_k, p_0 the model's, one k per gate, c_k of n_k places went on with the token. How
 * much a phrase counts depends on how often it is known and on how alike it was continued, as in Witten and Bell's
 * estimate, but by a fitted curve. Being a mixture, it can be drawn from without the model's probabilities.
 *
 * What is said now counts more than what was said once: the present conversation has gates of its own. An answer's own
 * tokens are not part of it, so that an answer cannot feed on itself.
 *
 * @see Grave, Joulin, Usunier: Improving Neural Language Models with a Continuous Cache, arXiv 1612.04426;
 *   Chen, Goodman: An Empirical Study of Smoothing Techniques for Language Modeling (1999), section 2.5
 */
export class PhraseMixture {
  readonly #memory: PhraseMemory;
  readonly #conversation = new PhraseMemory();
  readonly #gates: readonly PhraseGate[];

  /**
   * @param memory all that is remembered; read at each call, so that what is added to it is known.
   * @param conversation what was said in the present conversation before this answer, in tokens.
   * @param gates the last one has the last word.
   */
  constructor(
    memory: PhraseMemory,
    conversation: readonly (readonly number[])[],
    gates: readonly PhraseGate[] = PHRASE_GATES,
  ) {
    this.#memory = memory;
    for (const sequence of conversation) this.#conversation.add(sequence);
    this.#gates = gates;
  }

  /** Probability of `token` behind `history`, from the model's own. */
  probability(history: readonly number[], token: number, ofModel: number): number {
    return this.#levels(history).reduce(
      (before, { weight, counts, places }) => (1 - weight) * before + (weight * (counts.get(token) ?? 0)) / places,
      ofModel,
    );
  }

  /**
   * A draw from the phrases' part of the mixture.
   *
   * @param random uniform in [0, 1).
   * @returns null: the model's own draw stands.
   */
  draw(history: readonly number[], random: () => number): number | null {
    for (const { weight, counts, places } of this.#levels(history).reverse()) {
      if (random() >= weight) continue;
      let left = random() * places;
      for (const [token, count] of counts) {
        left -= count;
        if (left < 0) return token;
      }
    }
    return null;
  }

  /**
   * The token that the mixture holds most likely, given the model's first choice. What the model thinks of other tokens is
   * not known and taken as nothing, so that a phrase wins only where it does in any case.
   *
   * @param likelihood the model's, of its first choice.
   */
  best(history: readonly number[], choice: number, likelihood: number): number {
    let [left, best, most] = [1, choice, 0];
    const shares = new Map<number, number>();
    for (const { weight, counts, places } of this.#levels(history).reverse()) {
      for (const [token, count] of counts) {
        shares.set(token, (shares.get(token) ?? 0) + (left * weight * count) / places);
      }
      left *= 1 - weight;
    }
    most = left * likelihood + (shares.get(choice) ?? 0);
    for (const [token, share] of shares) if (share > most) [best, most] = [token, share];
    return best;
  }

  #levels(history: readonly number[]): Level[] {
    const most = Math.max(0, ...this.#gates.map(({ known }) => known));
    const found = {
      memory: this.#memory.followers(history, most),
      conversation: this.#conversation.followers(history, most),
    };
    return this.#gates.flatMap(({ source, known, bias, perPlace, perChoice }) => {
      const followers = found[source][known - 1];
      if (followers === undefined) return [];
      const doubt = bias + perPlace * Math.log(followers.places) + perChoice * Math.log(followers.counts.size);
      return [{ ...followers, weight: 1 / (1 + Math.exp(-doubt)) }];
    });
  }
}

/** Fitted on the learning share of the development writers: docs/personalisation.md. */
const PHRASE_GATES: readonly PhraseGate[] = [
  { source: "memory", known: 1, bias: -4.4, perPlace: -0.3, perChoice: 0.7 },
  { source: "conversation", known: 1, bias: -2.6, perPlace: 0.9, perChoice: -2 },
  { source: "memory", known: 2, bias: -2.7, perPlace: 1.2, perChoice: -1.5 },
  { source: "conversation", known: 2, bias: -2.2, perPlace: 2.1, perChoice: -3.1 },
  { source: "memory", known: 3, bias: -2.3, perPlace: 1.5, perChoice: -2.4 },
  { source: "memory", known: 4, bias: -2.7, perPlace: 1.1, perChoice: -1.1 },
];
