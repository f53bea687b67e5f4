import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { type TokenExample, writeTokenFile } from "../../src/adapt/token-file.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";

const run = promisify(execFile);

/** Files that benchmarks make and keep; removing the folder costs only time. */
const benchFolder = `${packageRoot}build/bench/`;
const toolFolder = `${packageRoot}build/trainer/`;

/** Dimensions that the PyTorch comparison needs too; they are those of asls-gguf-maker's shape of that name. */
export interface Shape {
  readonly name: "100m" | "qwen05b" | "tiny";
  readonly arch: "llama" | "qwen2" | "qwen3";
  readonly layers: number;
  readonly embd: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ff: number;
  readonly vocab: number;
  readonly rank: number;
}

/** 100.1M parameters: the Llama shape of docs/trainer.md. */
export const LLAMA_100M: Shape = {
  name: "100m",
  arch: "llama",
  layers: 12,
  embd: 768,
  heads: 12,
  kvHeads: 4,
  ff: 2048,
  vocab: 32_000,
  rank: 16,
};

/** Qwen2.5-0.5B: 494M parameters, a head of 152k tokens. */
export const QWEN_05B: Shape = {
  name: "qwen05b",
  arch: "qwen2",
  layers: 24,
  embd: 896,
  heads: 14,
  kvHeads: 2,
  ff: 4864,
  vocab: 151_936,
  rank: 16,
};

/** Builds trainer and tools when needed: a second when nothing changed. */
export async function ensureTools(log: (line: string) => void): Promise<void> {
  if (!existsSync(tool("asls-reference"))) log("building the trainer and its tools");
  await run("sh", [`${packageRoot}deploy/build-trainer.sh`, "--tools"]).catch((error: Error & { stderr?: string }) => {
    const reason = error.stderr?.trim().split("\n").at(-1) || error.message;
    throw new AppError("E_TRAINER_MISSING", `the trainer could not be built: ${reason}`, { cause: error });
  });
}

/** Path of an executable of the trainer's build. */
export function tool(name: "asls-trainer" | "asls-reference" | "asls-gguf-maker"): string {
  return `${toolFolder}${name}`;
}

/** A GGUF of that shape with random weights, made once. */
export async function ensureModel(shape: Shape, type: string, log: (line: string) => void): Promise<string> {
  const path = `${benchFolder}${shape.arch}-${shape.name}-${type}.gguf`;
  if (!existsSync(path)) {
    await mkdir(benchFolder, { recursive: true });
    log(`making ${path}`);
    const shapeArgs = ["--arch", shape.arch, "--shape", shape.name, "--type", type];
    await run(tool("asls-gguf-maker"), [...shapeArgs, "--seed", "1", "--out", path]);
  }
  return path;
}

/** `count` sequences of `tokens` random tokens with the last `targets` of each as targets, made once. */
export async function ensureTokens(shape: Shape, count: number, tokens: number, targets: number): Promise<string> {
  const path = `${benchFolder}tokens-${shape.vocab}-${count}x${tokens}-${targets}.jsonl`;
  if (existsSync(path)) return path;
  await mkdir(benchFolder, { recursive: true });
  let state = 12_345;
  const nextToken = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' LCG: any spread of ids will do
    return 3 + (state % (shape.vocab - 3));
  };
  const examples = Array.from(
    { length: count },
    (_, i): TokenExample => ({
      id: `r${i}`,
      kind: "ce",
      tokens: Array.from({ length: tokens }, nextToken),
      targets: [[tokens - targets, tokens]],
    }),
  );
  await writeTokenFile(path, examples);
  return path;
}
