import { type IOType, spawn } from "node:child_process";
import { AppError, isEnoent } from "../../core/errors.ts";

/** More than any sentence's audio; a child that writes on and on is stopped, bytes (5 min at 22 050 Hz). */
const MAX_OUTPUT_BYTES = 13_000_000;
const MAX_DIAGNOSTIC_CHARS = 2_000;

export interface ChildRun {
  readonly command: string;
  readonly args: readonly string[];
  /** Written to stdin, which is then closed; null = no stdin. */
  readonly input: Uint8Array | null;
  /** Open files the child gets as descriptors 3, 4, ... */
  readonly descriptors?: readonly number[];
  readonly signal: AbortSignal;
}

export type ChildOutcome =
  | { readonly kind: "exited"; readonly exitCode: number; readonly stdout: Buffer; readonly diagnostics: string }
  | { readonly kind: "not_found" }
  | { readonly kind: "killed"; readonly signalName: string };

/**
 * Runs a short-lived child to its end. It is killed at once (SIGKILL: it holds nothing worth saving) when the signal fires.
 *
 * @throws AppError E_ABORTED when the signal fired, E_INTERNAL when the system cannot start any child.
 */
export function runChild(run: ChildRun): Promise<ChildOutcome> {
  return new Promise((resolve, reject) => {
    if (run.signal.aborted) return reject(aborted(run.command));
    const stdin: IOType = run.input === null ? "ignore" : "pipe";
    const child = spawn(run.command, run.args, { stdio: [stdin, "pipe", "pipe", ...(run.descriptors ?? [])] });
    const stop = () => child.kill("SIGKILL");
    run.signal.addEventListener("abort", stop, { once: true });

    const parts: Buffer[] = [];
    let sizeBytes = 0;
    let diagnostics = "";
    child.stdout?.on("data", (part: Buffer) => {
      sizeBytes += part.length;
      if (sizeBytes > MAX_OUTPUT_BYTES) return stop();
      parts.push(part);
    });
    child.stderr?.on("data", (part: Buffer) => {
      if (diagnostics.length < MAX_DIAGNOSTIC_CHARS) diagnostics += part.toString("utf8");
    });
    // a child that dies before it has read its input closes the pipe; its exit tells the story
    child.stdin?.on("error", () => {});
    if (run.input !== null) child.stdin?.end(run.input);

    child.once("error", (error) => {
      run.signal.removeEventListener("abort", stop);
      if (isEnoent(error)) resolve({ kind: "not_found" });
      else reject(new AppError("E_INTERNAL", `cannot start ${run.command}`, { cause: error }));
    });
    child.once("close", (exitCode, signalName) => {
      run.signal.removeEventListener("abort", stop);
      if (run.signal.aborted) return reject(aborted(run.command));
      if (exitCode === null) return resolve({ kind: "killed", signalName: signalName ?? "unknown signal" });
      resolve({ kind: "exited", exitCode, stdout: Buffer.concat(parts), diagnostics });
    });
  });
}

function aborted(command: string): AppError {
  return new AppError("E_ABORTED", `${command} was stopped on request`);
}
