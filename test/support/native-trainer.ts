import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { packageRoot } from "../../src/core/built-file.ts";

/** Compiling the engine and its tools once takes minutes on a busy small machine. */
export const buildTimeoutMs = 900_000;

export type Flavour = "" | "-asan" | "-ubsan";

/** Builds the trainer, with its tools unless told otherwise (a second when nothing changed); returns their folder. */
export function buildTrainer(flavour: Flavour = "", { tools = true } = {}): string {
  const options = [...(tools ? ["--tools"] : []), ...(flavour === "" ? [] : [`-${flavour}`])];
  execFileSync("sh", ["deploy/build-trainer.sh", ...options], { cwd: packageRoot, stdio: "inherit" });
  return `${packageRoot}build/trainer${flavour}`;
}

/** Runs one of the tools; its output is one JSON object. */
export function runTool(
  folder: string,
  tool: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Record<string, number> {
  const output = execFileSync(`${folder}/asls-${tool}`, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.trim() === "" ? {} : JSON.parse(output);
}

/** Makes a GGUF with random weights once per test run and folder. */
export function makeModel(folder: string, into: string, args: string): string {
  mkdirSync(into, { recursive: true });
  const path = `${into}/${args.replaceAll(/[^a-z0-9]+/g, "-")}.gguf`;
  runTool(folder, "gguf-maker", [...args.split(" ").filter((arg) => arg !== ""), "--out", path]);
  return path;
}

export interface TrainerMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface TrainerRun {
  readonly code: number | null;
  readonly signal: string | null;
  readonly messages: readonly TrainerMessage[];
  readonly stderr: string;
}

export interface TrainerRunOptions {
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called for every message; may send more orders or kill the child. */
  readonly onMessage?: (
    message: TrainerMessage,
    send: (order: object) => void,
    kill: (signal: NodeJS.Signals) => void,
  ) => void;
}

/** One trainer process with one job, spoken to directly. */
export function runTrainer(job: object, options: TrainerRunOptions): Promise<TrainerRun> {
  return runTrainerLines([JSON.stringify({ v: 1, type: "start", job })], options);
}

/** The same with raw input lines. */
export function runTrainerLines(lines: readonly string[], options: TrainerRunOptions): Promise<TrainerRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(`${options.folder}/asls-trainer`, [], { env: { ...process.env, ...options.env } });
    const messages: TrainerMessage[] = [];
    let pending = "";
    let stderr = "";
    child.stdin.on("error", () => undefined); // a child that refused has closed its input
    const send = (order: object) => child.stdin.write(`${JSON.stringify({ v: 1, ...order })}\n`);
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (pending + chunk).split("\n");
      pending = parts.pop() ?? "";
      for (const line of parts) {
        const message: TrainerMessage = JSON.parse(line);
        messages.push(message);
        options.onMessage?.(message, send, (signal) => child.kill(signal));
      }
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, messages, stderr }));
    for (const line of lines) child.stdin.write(`${line}\n`);
  });
}

export interface MadeExample {
  readonly id: string;
  readonly kind: "ce" | "kto" | "dpo";
  readonly tokens: readonly number[];
  readonly targets: readonly (readonly [number, number])[];
  readonly weight?: number;
  readonly desirable?: boolean;
  readonly rejected?: readonly number[];
  readonly rejected_targets?: readonly (readonly [number, number])[];
  readonly group?: string;
}

/** Sequences that repeat a pattern, so that there is something to learn. Deterministic. */
export function madeExamples(
  count: number,
  length: number,
  kinds: readonly MadeExample["kind"][] = ["ce"],
): MadeExample[] {
  return Array.from({ length: count }, (_, i): MadeExample => {
    const token = (position: number, salt: number) => 3 + ((position * 31 + i * 17 + salt * 101) % 240);
    const tokens = Array.from({ length: length - (i % 3) }, (_, position) => token(position, 0));
    const kind = kinds[i % kinds.length] ?? "ce";
    const from = Math.floor(length / 3);
    const base = { id: `e${i}`, kind, tokens, targets: [[from, tokens.length] as const] };
    if (kind === "kto") return { ...base, desirable: i % 2 === 0 };
    if (kind === "dpo") {
      const rejected = tokens.map((value, position) => (position < from ? value : token(position, 1)));
      return { ...base, rejected, rejected_targets: [[from, rejected.length]] };
    }
    return base;
  });
}

/** Examples that begin as the one before, until half of it. */
export function examplesAlike(count: number, length: number): MadeExample[] {
  const [first] = madeExamples(1, length);
  return madeExamples(count, length).map((example) => ({
    ...example,
    tokens: example.tokens.map((token, i) => (i < length / 2 ? (first?.tokens[i] ?? token) : token)),
  }));
}

export function writeExamples(path: string, examples: readonly MadeExample[]): string {
  writeFileSync(path, examples.map((example) => `${JSON.stringify(example)}\n`).join(""));
  return path;
}
