import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Sample } from "./measure.ts";
import type { Shape } from "./shapes.ts";

const run = promisify(execFile);
/** With Debian's reference BLAS, which comes alone by default, a step takes 17 times as long: no fair comparison. */
const PACKAGES = ["python3-torch", "libopenblas0-pthread"];
/** Debian's own interpreter: only that one sees the package, whatever else is first in PATH. */
const PYTHON = "/usr/bin/python3";

/**
 * Installs Debian's PyTorch when it is missing (root only: it is needed by this benchmark alone).
 * @returns why there is no PyTorch, or null when there is.
 */
export async function ensurePytorch(log: (line: string) => void): Promise<string | null> {
  if (await hasPytorch()) return null;
  const command = `apt-get install --no-install-recommends ${PACKAGES.join(" ")}`;
  if (process.getuid?.() !== 0) return `PyTorch is not installed: ${command}`;
  log(`installing ${PACKAGES.join(", ")} (Debian packages, for this comparison only)`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update", "-qq"], { env });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...PACKAGES], { env });
  } catch (error) {
    return `${command} failed: ${error instanceof Error ? error.message.split("\n")[0] : "unknown reason"}`;
  }
  return (await hasPytorch()) ? null : `PyTorch was installed but cannot be imported by ${PYTHON}`;
}

async function hasPytorch(): Promise<boolean> {
  const checks = [run(PYTHON, ["-c", "import torch"]), run("dpkg", ["--status", ...PACKAGES])];
  return Promise.all(checks).then(
    () => true,
    () => false,
  );
}

/** A PyTorch process that has built the model and does one LoRA step per order. */
export class PytorchSteps implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(shape: Shape, tokens: number, targets: number, signal: AbortSignal): Promise<PytorchSteps> {
    const options = { layers: shape.layers, embd: shape.embd, heads: shape.heads, "kv-heads": shape.kvHeads };
    const args = Object.entries({ ...options, ff: shape.ff, vocab: shape.vocab, tokens, targets, rank: shape.rank });
    const child = spawn(
      PYTHON,
      [
        `${packageRoot}bench/trainer/pytorch_lora_step.py`,
        ...args.flatMap(([name, value]) => [`--${name}`, `${value}`]),
      ],
      { signal },
    );
    child.on("error", () => {}); // aborted: the missing answer says so
    child.stderr.resume();
    const steps = new PytorchSteps(child);
    await steps.#answer();
    return steps;
  }

  async step(threads: number): Promise<Sample> {
    this.#process.stdin.write(`${threads}\n`);
    const answer = (await this.#answer()) as { wall_ms: number; cpu_ms: number; peak_rss_mb: number };
    return { wallMs: answer.wall_ms, cpuMs: answer.cpu_ms, peakRssMb: answer.peak_rss_mb };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, "close");
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new AppError("E_INTERNAL", "the PyTorch comparison ended early");
    return JSON.parse(value);
  }
}
