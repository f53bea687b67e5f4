import { StringDecoder } from "node:string_decoder";
import { AppError } from "../core/errors.ts";

/** Longest line of a child, characters; a probe's or a result's line has some hundred. */
const MAX_LINE_CHARS = 1_000_000;

/**
 * Cuts a byte stream into lines, whatever the chunks. Empty lines are dropped, a `\r` before the end too; a last line
 * without its end is not delivered: half a message is no message.
 */
export class LineDecoder {
  readonly #utf8 = new StringDecoder("utf8");
  #rest = "";

  /** @throws AppError E_TRAINER_PROTOCOL when a line passes a million characters. */
  push(chunk: Uint8Array): string[] {
    const text = this.#rest + this.#utf8.write(chunk);
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE_CHARS || lines.some((line) => line.length > MAX_LINE_CHARS)) {
      this.#rest = "";
      throw new AppError("E_TRAINER_PROTOCOL", `the trainer sent a line of more than ${MAX_LINE_CHARS} characters`);
    }
    return lines.map((line) => line.trimEnd()).filter((line) => line !== "");
  }
}
