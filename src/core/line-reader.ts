import type { AppError } from "./errors.ts";

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into UTF-8 lines without their newline, whatever the chunks. A last line without its end is not
 * delivered: half a message is no message.
 */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #tooLong: (maxBytes: number) => AppError;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  /** @param tooLong what a line longer than `maxBytes` is to its reader; what was held of it is dropped. */
  constructor(maxBytes: number, onLine: (line: string) => void, tooLong: (maxBytes: number) => AppError) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#tooLong = tooLong;
  }

  /** @throws AppError that `tooLong` makes, and what `onLine` throws; the rest of the chunk is dropped then. */
  accept(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.#hold(rest.subarray(0, end));
      const line = Buffer.concat(this.#parts).toString("utf8");
      this.#drop();
      rest = rest.subarray(end + 1);
      this.#onLine(line);
    }
    if (rest.length > 0) this.#hold(rest);
  }

  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#maxBytes) {
      this.#drop();
      throw this.#tooLong(this.#maxBytes);
    }
    this.#parts.push(part);
  }

  #drop(): void {
    this.#parts = [];
    this.#heldBytes = 0;
  }
}
