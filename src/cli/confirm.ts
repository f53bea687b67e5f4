import { createInterface } from "node:readline/promises";
import { AppError } from "../core/errors.ts";

/**
 * Asks on the terminal and compares with the word that means yes.
 * @throws AppError E_USAGE without a terminal: nobody is there to ask.
 */
export async function confirmOnTerminal(question: string, yes: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new AppError("E_USAGE", "this needs a confirmation and there is no terminal", { hint: "Add --yes." });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim() === yes;
  } finally {
    terminal.close();
  }
}
