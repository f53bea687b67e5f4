import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import type { EncodedExample } from "./example-encoding.ts";
import type { PairedLoss } from "./gate.ts";
import type { Trainer, TrainerEvent, TrainerExampleResult, TrainerJob } from "./ports.ts";
import { writeTokenFile } from "./token-file.ts";

/** What each trainer run of a job needs. */
export interface TrainerStepParts {
  readonly trainer: Trainer;
  /** Base model, GGUF. */
  readonly model: string;
  /** Folder of mode 0700 on tmpfs; the caller makes and removes it. */
  readonly folder: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  onEvent(event: TrainerEvent): void;
}

/** Losses by example id, several sequences of one example joined by their tokens. */
export type MeasuredExamples = ReadonlyMap<string, TrainerExampleResult>;

/**
 * Measures examples with the base alone, or with an adapter too.
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
  if (examples.length === 0) return new Map();
  const data = join(parts.folder, `${name}.jsonl`);
  await writeTokenFile(
    data,
    examples.flatMap(({ sequences }) => sequences),
  );
  const outcome = await runStep(parts, {
    mode: "evaluate",
    model: parts.model,
    data,
    threads: parts.threads,
    optimiser: { maxTokens, sequencesPerStep: 8 },
    ...(adapter === null ? {} : { initAdapter: adapter }),
  });
  return joined(examples, outcome.results);
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
  const measured = new Map<string, TrainerExampleResult>();
  for (const { example, sequences } of examples) {
    const parts = sequences.flatMap(({ id }) => bySequence.get(id) ?? []);
    const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
    if (tokens === 0) continue;
    const mean = (value: (part: TrainerExampleResult) => number) =>
      parts.reduce((sum, part) => sum + value(part) * part.tokens, 0) / tokens;
    const hasAdapter = parts.every(({ adapterLoss }) => adapterLoss !== null);
    measured.set(example.id, {
      id: example.id,
      tokens,
      baseLoss: mean(({ baseLoss }) => baseLoss),
      adapterLoss: hasAdapter ? mean(({ adapterLoss }) => adapterLoss ?? 0) : null,
      entropy: mean(({ entropy }) => entropy),
    });
  }
  return measured;
}

/** Token-weighted mean loss with the adapter if there is one, else of the base; null without examples. */
export function meanLoss(measured: MeasuredExamples): number | null {
  let sum = 0;
  let tokens = 0;
  for (const { adapterLoss, baseLoss, tokens: count } of measured.values()) {
    sum += (adapterLoss ?? baseLoss) * count;
    tokens += count;
  }
  return tokens === 0 ? null : sum / tokens;
}

/** Losses of `after` (with its adapter) beside those of `before` (with its adapter if it has one, else the base). */
export function pairedLosses(
  before: MeasuredExamples,
  after: MeasuredExamples,
  isWanted: (id: string) => boolean = () => true,
): PairedLoss[] {
  return [...after].flatMap(([id, candidate]): PairedLoss[] => {
    const earlier = before.get(id);
    if (earlier === undefined || candidate.adapterLoss === null || !isWanted(id)) return [];
    return [
      { before: earlier.adapterLoss ?? earlier.baseLoss, after: candidate.adapterLoss, tokens: candidate.tokens },
    ];
  });
}

/** The same measurement with the adapter off. */
export function baseLosses(measured: MeasuredExamples): MeasuredExamples {
  return new Map([...measured].map(([id, result]) => [id, { ...result, adapterLoss: null }]));
}
