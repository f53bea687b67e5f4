/** A sentence longer than this is cut at a clause or word, so that speech never waits for a run-on, characters. */
export const MAX_SENTENCE_CHARS = 220;

/** Followed by a full stop these do not end a sentence. */
const ABBREVIATIONS = new Set(
  "mr mrs ms dr prof sr jr st vs etc approx fig inc ltd dept min max avg jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e".split(
    " ",
  ),
);
/** These end a sentence only when a capital letter follows. */
const TIME_OF_DAY = new Set(["a.m", "p.m"]);
const CLOSERS = /["'”’)\]]+$/;
const SENTENCE_END = /[.!?…]$/;
const CLAUSE_END = /[,;:–—]$/;

/**
 * Cuts streamed text into sentences as soon as each is complete: at `.`, `!`, `?` or `…` before white space, and at line
 * breaks; not after abbreviations, initials, list numbers or within decimals.
 *
 * INVARIANT: works one character at a time, so that the sentences do not depend on how the text was cut into pieces, and
 * no character but white space is lost.
 */
export class SentenceSplitter {
  readonly #maxChars: number;
  #held = "";
  /** White space came after something that may or may not end the sentence. */
  #isUndecided = false;

  constructor(maxChars: number = MAX_SENTENCE_CHARS) {
    this.#maxChars = maxChars;
  }

  /** Sentences completed by this piece, trimmed, never empty. */
  push(piece: string): string[] {
    const done: string[] = [];
    for (const character of piece) this.#accept(character, done);
    return done;
  }

  /** The rest as a sentence of its own, if there is any; the splitter is as new then. */
  end(): string[] {
    const done: string[] = [];
    this.#cut(this.#held.length, done);
    return done;
  }

  #accept(character: string, done: string[]): void {
    const isSpace = /\s/u.test(character);
    if (this.#isUndecided && !isSpace) {
      this.#isUndecided = false;
      if (/\p{Lu}/u.test(character)) this.#cut(this.#held.length, done);
    }
    if (!isSpace) {
      this.#held += character;
      if (this.#held.length > this.#maxChars) this.#cutLong(done);
      return;
    }
    const verdict = character === "\n" ? "ends" : sentenceVerdict(this.#held);
    if (verdict === "ends") this.#cut(this.#held.length, done);
    else if (verdict === "undecided") this.#isUndecided = true;
    if (this.#held !== "" && !this.#held.endsWith(" ")) this.#held += " ";
  }

  #cutLong(done: string[]): void {
    const text = this.#held;
    let word = -1;
    let clause = -1;
    for (let at = text.indexOf(" "); at >= 0; at = text.indexOf(" ", at + 1)) {
      word = at;
      if (CLAUSE_END.test(text.slice(0, at))) clause = at;
    }
    // a clause in the first quarter would leave nearly all of it for the next cut
    if (clause >= text.length / 4) this.#cut(clause, done);
    else this.#cut(word > 0 ? word : text.length, done);
  }

  #cut(at: number, done: string[]): void {
    const sentence = this.#held.slice(0, at).trim();
    this.#held = this.#held.slice(at).trimStart();
    this.#isUndecided = false;
    if (sentence !== "") done.push(sentence);
  }
}

/** Does the text, followed by white space, end a sentence? */
function sentenceVerdict(text: string): "ends" | "continues" | "undecided" {
  const bare = text.replace(CLOSERS, "");
  if (!SENTENCE_END.test(bare)) return "continues";
  if (!bare.endsWith(".") || bare.endsWith("..")) return "ends";
  const start = bare.lastIndexOf(" ") + 1;
  const word = bare
    .slice(start, -1)
    .replace(/^["'“‘(]+/, "")
    .toLowerCase();
  if (TIME_OF_DAY.has(word)) return "undecided";
  if (ABBREVIATIONS.has(word)) return "continues";
  // "J. R. Smith", but "It was I." ends
  if (/^[a-hj-z]$/.test(word)) return "continues";
  // "1. Turn it on": a number alone at the start
  if (start === 0 && /^\d+$/.test(word)) return "continues";
  return "ends";
}
