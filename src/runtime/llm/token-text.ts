/** Longest run of tokens held back while a character is incomplete: four bytes, one token each, plus the one before. */
const MAX_HELD_TOKENS = 5;
/** SentencePiece models decide about leading spaces by what came before. */
const LOOK_BACK_TOKENS = 4;
const INCOMPLETE = /\uFFFD+$/;

/**
 * Turns generated tokens into text pieces that never split a character: a token may hold one byte of an emoji. White
 * space before the first word is dropped.
 */
export class TokenText<Token extends number> {
  readonly #decode: (tokens: readonly Token[], before: readonly Token[]) => string;
  #before: readonly Token[] = [];
  #held: Token[] = [];
  #hasText = false;
  /** @param decode text of `tokens` as they continue `before`, U+FFFD for bytes that are no character. */
  constructor(decode: (tokens: readonly Token[], before: readonly Token[]) => string) {
    this.#decode = decode;
  }

  /** The text that this token completes; empty while a character is incomplete. */
  push(token: Token): string {
    this.#held.push(token);
    const text = this.#decode(this.#held, this.#before);
    if (INCOMPLETE.test(text) && this.#held.length < MAX_HELD_TOKENS) return "";
    return this.#release(text);
  }

  /** What is still held, without the incomplete character at its end. */
  end(): string {
    if (this.#held.length === 0) return this.#release("");
    return this.#release(this.#decode(this.#held, this.#before).replace(INCOMPLETE, ""));
  }

  #release(text: string): string {
    this.#before = [...this.#before, ...this.#held].slice(-LOOK_BACK_TOKENS);
    this.#held = [];
    const shown = this.#hasText ? text : text.trimStart();
    if (shown !== "") this.#hasText = true;
    return shown;
  }
}
