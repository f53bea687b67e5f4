import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import { type EncodedProbes, encodeProbes } from "../../src/adapt/monitor/probe-margins.ts";
import { readProbeSet } from "../../src/adapt/monitor/probe-set.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { runStep } from "../../src/adapt/trainer-steps.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { fileSha256 } from "../../src/core/file-hash.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { LlamaTrainingTextEncoder } from "../../src/runtime/llm/training-text-encoder.ts";
import { ensureModel, ensureTools, LLAMA_100M, tool } from "../trainer/shapes.ts";

const SEED_MODEL = join(packageRoot, "models", "seed-q8_0.gguf");

/** The shipped probes in tokens of the seed model, and what identifies both. */
export async function seedProbes(
  maxTokens: number,
): Promise<{ readonly probes: EncodedProbes; readonly base: string }> {
  await using encoder = await LlamaTrainingTextEncoder.open(SEED_MODEL, silentLogger);
  const set = await readProbeSet(join(packageRoot, "models", "probes.json"));
  return { probes: await encodeProbes(set, encoder, maxTokens), base: await fileSha256(SEED_MODEL) };
}

/**
 * Processor seconds that one thread needs to score the probes with a 100M-parameter base and a candidate. The tokens are
 * the seed model's, whose vocabulary is small: a 100M model's own would be fewer.
 */
export async function secondsOn100M(
  { encoded }: EncodedProbes,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  await ensureTools(log);
  const model = await ensureModel(LLAMA_100M, "q8_0", log);
  const folder = await mkdtemp(join(tmpdir(), "asls-monitor-"));
  const file = tool("asls-trainer");
  const clock = new SystemClock();
  const trainer = new TrainerProcess({ command: { file }, clock, logger: silentLogger, freezer: new SignalFreezer() });
  const parts = { trainer, signal, onEvent: () => {} };
  const sequences = encoded.flatMap((each) => each.sequences);
  try {
    const [data, one, adapter] = [join(folder, "all.jsonl"), join(folder, "one.jsonl"), join(folder, "adapter.gguf")];
    await writeTokenFile(data, sequences);
    await writeTokenFile(one, sequences.slice(0, 1));
    await runStep(parts, { mode: "train", model, data: one, out: adapter, threads: 1, optimiser: { steps: 1 } });
    const optimiser = { sequencesPerStep: 8 };
    const scored = await runStep(parts, { mode: "evaluate", model, data, initAdapter: adapter, threads: 1, optimiser });
    return scored.metrics.cpuSeconds;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
