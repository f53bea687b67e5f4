import { join } from "node:path";
import type { EncodedExample } from "../../src/adapt/example-encoding.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import { runStep, type TrainerStepParts } from "../../src/adapt/trainer-steps.ts";

/** Loss of every target token, nats; one list per example, each of one sequence, in their order. */
export async function tokenLosses(
  parts: TrainerStepParts,
  examples: readonly EncodedExample[],
  adapter: string | null,
  maxTokens: number,
): Promise<readonly (readonly number[])[]> {
  const data = join(parts.folder, "test.jsonl");
  await writeTokenFile(
    data,
    examples.flatMap(({ sequences }) => sequences),
  );
  const { results } = await runStep(parts, {
    mode: "evaluate",
    model: parts.model,
    data,
    threads: parts.threads,
    tokenLosses: true,
    optimiser: { maxTokens, sequencesPerStep: 8 },
    ...(adapter === null ? {} : { initAdapter: adapter, baseLosses: false }),
  });
  return results.map((result) => result.tokenLosses ?? []);
}
