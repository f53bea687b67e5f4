import { execFile } from "node:child_process";

/** Where a shell command runs: this machine, or a board. */
export interface Place {
  /** Runs a POSIX shell script as root (as this user on this machine). @returns its stdout. @throws Error with its stderr. */
  run(script: string): Promise<string>;
}

/** Runs a program to its end with that text as its stdin. @throws Error with its stderr when it does not end with 0. */
export function runProgram(file: string, args: readonly string[], stdin = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new Error(`${file} ended with ${String(error.code)}: ${stderr.trim() || stdout.trim()}`, { cause: error }),
        );
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
  });
}

export const thisMachine: Place = { run: (script) => runProgram("sh", ["-eu"], script) };
