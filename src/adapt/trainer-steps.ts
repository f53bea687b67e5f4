import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import type { BaseLosses } from "./base-losses.ts";
import type { EncodedExample } from "./example-encoding.ts";
import type { PairedLoss } from "./gate.ts";
import type { MeasuredBeside, MeasuredExample, MeasuredExamples } from "./measured-examples.ts";
import type { Trainer, TrainerEvent, TrainerExampleResult, TrainerJob } from "./ports.ts";
import { type TokenExample, writeTokenFile } from "./token-file.ts";
import { lossOf } from "./trainer-messages.ts";

/** Of a measured group; GPUs take 40 sequences at most. */
const MOST_TOGETHER = 32;
const LEAST_TOGETHER = 8;
const TOKENS_TOGETHER = 2_048;

/** What each trainer run of a job needs. */
export interface TrainerStepParts {
  readonly trainer: Trainer;
  /** Base model, GGUF. */
  readonly model: string;
  /** Folder of mode 0700 on tmpfs; the caller makes and removes it. */
  readonly folder: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  /** What is known of the base on fixed texts; without, it is measured anew each time. */
  readonly baseLosses?: BaseLosses;
  onEvent(event: TrainerEvent): void;
}

/**
 * Measures examples with the adapter, or with the base alone when it is null.
 *
 * @param name of the token file, unique within the job.
 * @throws AppError as {@link Trainer.run}; E_ABORTED when the signal fired.
 */
export async function measureExamples(
  parts: TrainerStepParts,
  name: string,
  examples: readonly EncodedExample[],
  adapter: string | null,
  maxTokens: number,
): Promise<MeasuredExamples> {
  const only = adapter === null ? {} : { initAdapter: adapter, baseLosses: false };
  return joined(examples, await evaluate(parts, name, examples, maxTokens, only));
}

/** Measures fixed texts with the base alone, once for all candidates. @throws AppError as {@link measureExamples}. */
export async function measureBase(
  parts: TrainerStepParts,
  name: string,
  examples: readonly EncodedExample[],
  maxTokens: number,
): Promise<MeasuredExamples> {
  const { baseLosses } = parts;
  const known = new Map(examples.flatMap((each) => baseLosses?.of(each) ?? []).map((found) => [found.id, found]));
  const unknown = examples.filter(({ example }) => !known.has(example.id));
  const measured = await measureExamples(parts, name, unknown, null, maxTokens);
  for (const each of unknown) {
    const found = measured.get(each.example.id);
    if (found !== undefined) baseLosses?.keep(each, found);
  }
  // In the order of the examples, so that sums come to the same whatever was known.
  const all = new Map([...known, ...measured]);
  return new Map(examples.flatMap(({ example }) => all.get(example.id) ?? []).map((found) => [found.id, found]));
}

/**
 * Measures examples with the adapter and with it off, in a run more when the base is not known on all of them yet.
 *
 * @param examples of fixed texts when `parts` keeps what it knows of the base.
 * @throws AppError as {@link measureExamples}.
 */
export async function measureBesideBase(
  parts: TrainerStepParts,
  name: string,
  examples: readonly EncodedExample[],
  adapter: string,
  maxTokens: number,
): Promise<MeasuredBeside> {
  const base = await measureBase(parts, `${name}-base`, examples, maxTokens);
  return { base, adapted: await measureExamples(parts, name, examples, adapter, maxTokens) };
}

async function evaluate(
  parts: TrainerStepParts,
  name: string,
  examples: readonly EncodedExample[],
  maxTokens: number,
  options: Pick<TrainerJob, "initAdapter" | "baseLosses">,
): Promise<readonly TrainerExampleResult[]> {
  if (examples.length === 0) return [];
  const data = join(parts.folder, `${name}.jsonl`);
  const sequences = examples.flatMap((each) => each.sequences);
  await writeTokenFile(data, sequences);
  const outcome = await runStep(parts, {
    mode: "evaluate",
    model: parts.model,
    data,
    threads: parts.threads,
    optimiser: { maxTokens, sequencesPerStep: groupOf(sequences) },
    ...options,
  });
  return outcome.results;
}

/** Sequences measured together: the longer a group, the fewer times the weights are unpacked, and the more memory it takes. */
function groupOf(sequences: readonly TokenExample[]): number {
  const longest = sequences.reduce((most, { tokens }) => Math.max(most, tokens.length), 1);
  return Math.min(MOST_TOGETHER, Math.max(LEAST_TOGETHER, Math.floor(TOKENS_TOGETHER / longest)));
}

/** Runs to its end. @throws AppError E_ABORTED when it was stopped. */
export async function runStep(parts: Pick<TrainerStepParts, "trainer" | "signal" | "onEvent">, job: TrainerJob) {
  parts.signal.throwIfAborted();
  const run = parts.trainer.run(job, { signal: parts.signal, onEvent: (event) => parts.onEvent(event) });
  const outcome = await run.ended;
  if (outcome.kind === "stopped") throw new AppError("E_ABORTED", "the training job was stopped");
  return outcome;
}

function joined(examples: readonly EncodedExample[], results: readonly TrainerExampleResult[]): MeasuredExamples {
  const bySequence = new Map(results.map((result) => [result.id, result]));
  const measured = new Map<string, MeasuredExample>();
  for (const { example, sequences } of examples) {
    const parts = sequences.flatMap(({ id }) => bySequence.get(id) ?? []);
    const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
    if (tokens === 0) continue;
    const mean = (value: (part: TrainerExampleResult) => number) =>
      parts.reduce((sum, part) => sum + value(part) * part.tokens, 0) / tokens;
    measured.set(example.id, { id: example.id, tokens, loss: mean(lossOf), entropy: mean(({ entropy }) => entropy) });
  }
  return measured;
}

/** Token-weighted mean loss; null without examples. */
export function meanLoss(measured: MeasuredExamples): number | null {
  let sum = 0;
  let tokens = 0;
  for (const { loss, tokens: count } of measured.values()) {
    sum += loss * count;
    tokens += count;
  }
  return tokens === 0 ? null : sum / tokens;
}

/** Losses of `after` beside those of `before`, of the examples that both have. */
export function pairedLosses(
  before: MeasuredExamples,
  after: MeasuredExamples,
  isWanted: (id: string) => boolean = () => true,
): PairedLoss[] {
  return [...after].flatMap(([id, { loss, tokens }]): PairedLoss[] => {
    const earlier = before.get(id);
    return earlier === undefined || !isWanted(id) ? [] : [{ before: earlier.loss, after: loss, tokens }];
  });
}
