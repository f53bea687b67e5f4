/** Stands between two sequences; no phrase reaches across it. */
const BREAK = -1;
/** Places of one token that are looked at, the newest ones: bounds the time of a look-up. */
const MOST_PLACES = 4_096;

/** What followed behind the same last tokens. */
export interface Followers {
  /** Places at which these tokens are known. */
  readonly places: number;
  /** How often which token followed; their sum is `places`. */
  readonly counts: ReadonlyMap<number, number>;
}

/**
 * A person's words as token phrases: what has followed before behind the same few tokens. Takes effect at once, needs no
 * training, and forgets at once what is taken out of it. How it is mixed with the model: {@link PhraseMixture}.
 */
export class PhraseMemory {
  readonly #tokens: number[] = [];
  /** Places of each token, counted from the first that was ever added, in ascending order. */
  readonly #places = new Map<number, number[]>();
  /** Place of the first token kept. */
  #first = 0;

  /** Tokens kept. */
  get size(): number {
    return this.#tokens.length;
  }

  /** @param sequence as the model reads it, template included. */
  add(sequence: readonly number[]): void {
    for (const token of sequence) {
      const places = this.#places.get(token);
      const place = this.#first + this.#tokens.length;
      if (places === undefined) this.#places.set(token, [place]);
      else places.push(place);
      this.#tokens.push(token);
    }
    this.#tokens.push(BREAK);
  }

  /** Forgets the oldest sequences. @param lengths their numbers of tokens, as they were added, oldest first. */
  forgetOldest(lengths: readonly number[]): void {
    const count = lengths.reduce((sum, length) => sum + length + 1, 0);
    for (const token of this.#tokens.splice(0, count)) {
      const places = this.#places.get(token);
      places?.shift();
      if (places?.length === 0) this.#places.delete(token);
    }
    this.#first += count;
  }

  /**
   * What followed behind the last token of `history`, behind its last two, and so on up to `most`; shorter when longer
   * phrases are not known.
   */
  followers(history: readonly number[], most: number): Followers[] {
    const last = history.at(-1);
    const places = last === undefined ? undefined : this.#places.get(last);
    if (places === undefined) return [];
    const orders = Array.from({ length: most }, () => new Map<number, number>());
    for (const each of places.slice(-MOST_PLACES)) {
      const place = each - this.#first;
      const next = this.#tokens[place + 1];
      if (next === undefined || next === BREAK) continue;
      for (const [known, counts] of orders.entries()) {
        // Beyond the beginning of either both are undefined or a break: not the same phrase.
        const earlier = this.#tokens[place - known];
        if (earlier === undefined || earlier !== history[history.length - 1 - known]) break;
        counts.set(next, (counts.get(next) ?? 0) + 1);
      }
    }
    const known = orders.map((counts) => ({
      places: [...counts.values()].reduce((sum, count) => sum + count, 0),
      counts,
    }));
    return known.filter(({ places: found }) => found > 0);
  }
}
