/** A piece of a template: words in order, one of several, something optional, a named slot. */
export type Phrase =
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "sequence"; readonly parts: readonly Phrase[] }
  | { readonly kind: "choice"; readonly options: readonly Phrase[] }
  | { readonly kind: "optional"; readonly part: Phrase }
  | { readonly kind: "slot"; readonly name: string };

export type Slots = ReadonlyMap<string, Phrase>;

/** Uniform in [0, 1). */
export type Random = () => number;

/**
 * Parses `[please] (turn|switch) on the {room} light`.
 * @throws Error naming the template on anything unbalanced, empty or unknown: templates are ours, so it is a build error.
 */
export function parsePhrase(text: string): Phrase {
  const tokens = text.match(/[()[\]|]|\{[a-z_]+\}|[a-z']+|\S/g) ?? [];
  const parser = new PhraseParser(tokens, text);
  return parser.whole();
}

class PhraseParser {
  readonly #tokens: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(tokens: readonly string[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  whole(): Phrase {
    const phrase = this.#choice();
    if (this.#at < this.#tokens.length) throw this.#error();
    return phrase;
  }

  #choice(): Phrase {
    const options = [this.#sequence()];
    while (this.#tokens[this.#at] === "|") {
      this.#at++;
      options.push(this.#sequence());
    }
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: "choice", options };
  }

  #sequence(): Phrase {
    const parts: Phrase[] = [];
    for (let token = this.#tokens[this.#at]; token !== undefined; token = this.#tokens[this.#at]) {
      if (token === "|" || token === ")" || token === "]") break;
      parts.push(this.#part(token));
    }
    if (parts.length === 0) throw this.#error();
    return { kind: "sequence", parts };
  }

  #part(token: string): Phrase {
    this.#at++;
    if (token === "(") return this.#closed(")");
    if (token === "[") return { kind: "optional", part: this.#closed("]") };
    if (/^\{.*\}$/.test(token)) return { kind: "slot", name: token.slice(1, -1) };
    if (/^[a-z']+$/.test(token)) return { kind: "word", word: token };
    throw this.#error();
  }

  #closed(end: string): Phrase {
    const inner = this.#choice();
    if (this.#tokens[this.#at] !== end) throw this.#error();
    this.#at++;
    return inner;
  }

  #error(): Error {
    return new Error(`bad template near token ${this.#at + 1}: ${this.#text}`);
  }
}

/** One random sentence of the template, as words. @throws Error when a slot is not defined. */
export function sample(phrase: Phrase, slots: Slots, random: Random): string[] {
  switch (phrase.kind) {
    case "word":
      return [phrase.word];
    case "sequence":
      return phrase.parts.flatMap((part) => sample(part, slots, random));
    case "choice": {
      const option = phrase.options[Math.floor(random() * phrase.options.length)];
      return option === undefined ? [] : sample(option, slots, random);
    }
    case "optional":
      return random() < 0.5 ? sample(phrase.part, slots, random) : [];
    case "slot": {
      const filler = slots.get(phrase.name);
      if (filler === undefined) throw new Error(`no slot of the name ${phrase.name}`);
      return sample(filler, slots, random);
    }
  }
}

/** Every word the phrase can produce by itself; those of its slots are found in the slots' own phrases. */
export function wordsOf(phrase: Phrase): Set<string> {
  switch (phrase.kind) {
    case "word":
      return new Set([phrase.word]);
    case "sequence":
      return new Set(phrase.parts.flatMap((part) => [...wordsOf(part)]));
    case "choice":
      return new Set(phrase.options.flatMap((option) => [...wordsOf(option)]));
    case "optional":
      return wordsOf(phrase.part);
    case "slot":
      return new Set();
  }
}

/** mulberry32 (Tommy Ettinger, public domain): small, fast, the same on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
