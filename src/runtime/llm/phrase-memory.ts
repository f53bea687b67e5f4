/** Stands between two sequences; no phrase reaches across it. */
const BREAK = -1;
/** Places of one token that are looked at, the newest ones: bounds the time of a look-up. */
const MOST_PLACES = 4_096;

/** What followed in memory behind the last `order` tokens. */
interface Level {
  readonly order: number;
  readonly total: number;
  readonly counts: ReadonlyMap<number, number>;
}

/**
 * A person's words as token phrases: what has followed before behind the same few tokens. Takes effect at once, needs no
 * training, and forgets at once what is taken out of it.
 *
 * The prediction is a mixture: p_k = (1 - w_k) p_(k-1) + w_k c / n for k = 1 .. 3 known tokens, p_0 the language model's,
 * with w_k = n / (n + doubt_k d) when n places with d different continuations are known (Witten and Bell's estimate with a
 * weight on the doubt). As a mixture it can be drawn from without the model's probabilities.
 *
 * @see Grave, Joulin, Usunier: Improving Neural Language Models with a Continuous Cache, arXiv 1612.04426;
 *   Chen, Goodman: An Empirical Study of Smoothing Techniques for Language Modeling (1999), section 2.5
 */
export class PhraseMemory {
  readonly #doubt: readonly number[];
  readonly #tokens: number[] = [];
  readonly #places = new Map<number, number[]>();

  /** @param doubt per number of known tokens, from 1 on; larger trusts the memory less. */
  constructor(doubt: readonly number[] = PHRASE_DOUBT) {
    this.#doubt = doubt;
  }

  /** Tokens kept. */
  get size(): number {
    return this.#tokens.length;
  }

  /** @param sequence as the model reads it, template included. */
  add(sequence: readonly number[]): void {
    for (const token of sequence) {
      const places = this.#places.get(token);
      if (places === undefined) this.#places.set(token, [this.#tokens.length]);
      else places.push(this.#tokens.length);
      this.#tokens.push(token);
    }
    this.#tokens.push(BREAK);
  }

  /** Probability of `token` behind `history`, from the model's own. */
  probability(history: readonly number[], token: number, ofModel: number): number {
    return this.#levels(history).reduce((before, level) => {
      const weight = this.#weight(level);
      return (1 - weight) * before + (weight * (level.counts.get(token) ?? 0)) / level.total;
    }, ofModel);
  }

  /**
   * A draw from the memory's part of the mixture.
   *
   * @param random uniform in [0, 1).
   * @returns null: the model's own draw stands.
   */
  draw(history: readonly number[], random: () => number): number | null {
    for (const level of this.#levels(history).reverse()) {
      if (random() >= this.#weight(level)) continue;
      let left = random() * level.total;
      for (const [token, count] of level.counts) {
        left -= count;
        if (left < 0) return token;
      }
    }
    return null;
  }

  /**
   * The token that the mixture holds most likely, given the model's first choice. What the model thinks of other tokens is
   * not known and taken as nothing, so that the memory wins only where it does in any case.
   *
   * @param likelihood the model's, of its first choice.
   */
  best(history: readonly number[], choice: number, likelihood: number): number {
    const levels = this.#levels(history);
    let [left, best, most] = [1, choice, 0];
    const shares = new Map<number, number>();
    for (const level of [...levels].reverse()) {
      const weight = this.#weight(level);
      for (const [token, count] of level.counts) {
        shares.set(token, (shares.get(token) ?? 0) + (left * weight * count) / level.total);
      }
      left *= 1 - weight;
    }
    most = left * likelihood + (shares.get(choice) ?? 0);
    for (const [token, share] of shares) if (share > most) [best, most] = [token, share];
    return best;
  }

  #weight({ order, total, counts }: Level): number {
    return total / (total + (this.#doubt[order - 1] ?? Number.POSITIVE_INFINITY) * counts.size);
  }

  /** From one known token up to as many as are known. */
  #levels(history: readonly number[]): Level[] {
    const last = history.at(-1);
    const places = last === undefined ? undefined : this.#places.get(last);
    if (places === undefined) return [];
    const orders = this.#doubt.map(() => new Map<number, number>());
    for (const place of places.slice(-MOST_PLACES)) {
      const next = this.#tokens[place + 1];
      if (next === undefined || next === BREAK) continue;
      for (const [known, counts] of orders.entries()) {
        // Beyond the beginning of either both are undefined or a break: not the same phrase.
        const earlier = this.#tokens[place - known];
        if (earlier === undefined || earlier !== history[history.length - 1 - known]) break;
        counts.set(next, (counts.get(next) ?? 0) + 1);
      }
    }
    return orders.flatMap((counts, i) => {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return total === 0 ? [] : [{ order: i + 1, total, counts }];
    });
  }
}

/** Found on the learning share of the development writers: docs/personalisation.md. */
const PHRASE_DOUBT: readonly number[] = [100, 12, 12];
