/** Words of a sentence with its ends are joined by this to make a key. */
const SPACE = " ";
export const SENTENCE_START = "<s>";
export const SENTENCE_END = "</s>";
/** ARPA's conventional "never": a sentence start is given, not predicted. */
const LOG_NEVER = -99;

interface Context {
  /** Tokens seen after this context. */
  total: number;
  readonly followers: Map<string, number>;
}

/**
 * An interpolated word trigram model with Witten-Bell smoothing, written as ARPA back-off:
 *
 *     p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h)),  backoff(h) = T(h) / (c(h) + T(h))
 *
 * where T(h) is the number of different words seen after h, and h' is h without its oldest word. The unigram
 * distribution is interpolated with the uniform one over the vocabulary, so that every word can occur.
 *
 * @see I. Witten, T. Bell: The zero-frequency problem, IEEE Trans. Information Theory 37(4), 1991; S. Chen, J. Goodman:
 * An empirical study of smoothing techniques for language modeling, 1998, section 2.5
 */
export class TrigramModel {
  readonly #contexts = new Map<string, Context>();
  readonly #vocabulary: readonly string[];

  /** @param vocabulary every word that may be recognised, also those the sentences happen not to hold. */
  constructor(sentences: Iterable<readonly string[]>, vocabulary: Iterable<string>) {
    const words = new Set(vocabulary);
    for (const sentence of sentences) {
      const tokens = [SENTENCE_START, ...sentence, SENTENCE_END];
      for (const word of sentence) words.add(word);
      for (let i = 1; i < tokens.length; i++) {
        for (const start of [i - 2, i - 1, i]) {
          if (start >= 0) this.#count(tokens.slice(start, i).join(SPACE), tokens[i] ?? SENTENCE_END);
        }
      }
    }
    words.delete(SENTENCE_START);
    words.delete(SENTENCE_END);
    this.#vocabulary = [...words].sort();
  }

  /** p(word | history), of which at most the last two words count. */
  probability(history: readonly string[], word: string): number {
    const recent = history.slice(-2);
    const context = this.#contexts.get(recent.join(SPACE));
    const lower =
      recent.length === 0 ? 1 / (this.#vocabulary.length + 1) : () => this.probability(recent.slice(1), word);
    const lowerValue = typeof lower === "number" ? lower : lower();
    if (context === undefined) return lowerValue;
    const types = context.followers.size;
    return ((context.followers.get(word) ?? 0) + types * lowerValue) / (context.total + types);
  }

  /** The model in ARPA format, n-grams sorted by bytes. */
  toArpa(): string {
    const orders = [this.#unigramLines(), this.#ngramLines(2), this.#ngramLines(3)];
    const lines = ["\\data\\", ...orders.map((order, i) => `ngram ${i + 1}=${order.length}`), ""];
    orders.forEach((order, i) => {
      lines.push(`\\${i + 1}-grams:`, ...order, "");
    });
    return `${[...lines, "\\end\\"].join("\n")}\n`;
  }

  #count(context: string, word: string): void {
    const known = this.#contexts.get(context) ?? { total: 0, followers: new Map<string, number>() };
    known.total++;
    known.followers.set(word, (known.followers.get(word) ?? 0) + 1);
    this.#contexts.set(context, known);
  }

  #unigramLines(): string[] {
    const start = `${LOG_NEVER}\t${SENTENCE_START}\t${this.#backoff(SENTENCE_START)}`;
    const rest = [SENTENCE_END, ...this.#vocabulary].map((word) => {
      const line = `${log10(this.probability([], word))}\t${word}`;
      return word === SENTENCE_END ? line : `${line}\t${this.#backoff(word)}`;
    });
    return [start, ...rest].sort(byNgram);
  }

  #ngramLines(order: 2 | 3): string[] {
    const lines: string[] = [];
    for (const [key, { followers }] of this.#contexts) {
      const history = key === "" ? [] : key.split(SPACE);
      if (history.length !== order - 1) continue;
      for (const word of followers.keys()) {
        const ngram = [...history, word].join(SPACE);
        const line = `${log10(this.probability(history, word))}\t${ngram}`;
        lines.push(order === 3 || word === SENTENCE_END ? line : `${line}\t${this.#backoff(ngram)}`);
      }
    }
    return lines.sort(byNgram);
  }

  #backoff(context: string): string {
    const known = this.#contexts.get(context);
    if (known === undefined) return log10(1);
    return log10(known.followers.size / (known.total + known.followers.size));
  }
}

function log10(probability: number): string {
  return Math.log10(probability).toFixed(4);
}

function byNgram(a: string, b: string): number {
  const [left, right] = [a.split("\t")[1] ?? "", b.split("\t")[1] ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}
