import { AppError } from "./errors.ts";

const NEWLINE = 0x0a;

/** Splits a byte stream into UTF-8 lines without their newline, with a bound on what it will hold. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  /** @throws AppError E_CONTROL_PROTOCOL when a line grows past the bound; what was held is dropped. */
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
      throw new AppError("E_CONTROL_PROTOCOL", `a line is longer than ${this.#maxBytes} bytes`);
    }
    this.#parts.push(part);
  }

  #drop(): void {
    this.#parts = [];
    this.#heldBytes = 0;
  }
}
