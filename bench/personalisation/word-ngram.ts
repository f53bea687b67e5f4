/** Words of the vocabulary that nothing was seen of share this mass evenly. */
const VOCABULARY = 50_000;
const ORDERS = 3;
/** Absolute discount; the usual value for word counts of this size. */
const DISCOUNT = 0.75;
const START = "<s>";
const END = "</s>";

interface Followers {
  total: number;
  readonly counts: Map<string, number>;
}

/** Word 3-gram with absolute discounting and back-off by interpolation. @see Chen, Goodman (1999), section 2.4 */
export class WordTrigram {
  readonly #contexts = new Map<string, Followers>();

  add(turn: string): void {
    const words = [START, START, ...wordsOf(turn), END];
    for (let i = ORDERS - 1; i < words.length; i += 1) {
      for (let order = 0; order < ORDERS; order += 1) this.#count(words.slice(i - order, i).join(" "), words[i] ?? END);
    }
  }

  /** Of a word behind its two predecessors; sums to 1 over a vocabulary of 50,000 words. */
  probability(word: string, before: readonly [string, string]): number {
    let probability = 1 / VOCABULARY;
    for (const context of ["", before[1], `${before[0]} ${before[1]}`]) {
      const seen = this.#contexts.get(context);
      if (seen === undefined) return probability;
      const discounted = Math.max(0, (seen.counts.get(word) ?? 0) - DISCOUNT);
      probability = (discounted + DISCOUNT * seen.counts.size * probability) / seen.total;
    }
    return probability;
  }

  #count(context: string, word: string): void {
    const seen = this.#contexts.get(context) ?? { total: 0, counts: new Map<string, number>() };
    seen.total += 1;
    seen.counts.set(word, (seen.counts.get(word) ?? 0) + 1);
    this.#contexts.set(context, seen);
  }
}

/** Sum over a dialogue's words, nats: of the general model, and of its mixture with the writer's own. */
export interface MixtureNats {
  readonly general: number;
  readonly mixture: number;
}

/** General 3-gram mixed with a writer's own; the weight is found by EM on words that neither has seen. */
export class TrigramMixture {
  readonly #general: WordTrigram;
  readonly #own: WordTrigram;
  #ownWeight: number;

  constructor(general: WordTrigram, own: WordTrigram, ownWeight = 0.3) {
    this.#general = general;
    this.#own = own;
    this.#ownWeight = ownWeight;
  }

  /** Share of the writer's own model, [0, 1]. */
  get ownWeight(): number {
    return this.#ownWeight;
  }

  fit(turns: readonly string[], rounds = 20): void {
    const pairs = turns.flatMap((turn) => this.#pairs(turn));
    for (let round = 0; round < rounds && pairs.length > 0; round += 1) {
      const shares = pairs.map(([general, own]) => {
        const weighted = this.#ownWeight * own;
        return weighted / (weighted + (1 - this.#ownWeight) * general);
      });
      this.#ownWeight = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    }
  }

  nats(turns: readonly string[]): MixtureNats {
    let [general, mixture] = [0, 0];
    for (const [g, own] of turns.flatMap((turn) => this.#pairs(turn))) {
      general -= Math.log(g);
      mixture -= Math.log((1 - this.#ownWeight) * g + this.#ownWeight * own);
    }
    return { general, mixture };
  }

  /** The end of a turn is template, not a word, so it is not among them. */
  #pairs(turn: string): [general: number, own: number][] {
    const words = [START, START, ...wordsOf(turn)];
    return words.slice(2).map((word, i) => {
      const before = [words[i] ?? START, words[i + 1] ?? START] as const;
      return [this.#general.probability(word, before), this.#own.probability(word, before)];
    });
  }
}

function wordsOf(turn: string): string[] {
  return turn.split(/\s+/).filter((word) => word !== "");
}
