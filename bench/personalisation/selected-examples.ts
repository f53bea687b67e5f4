import type { EncodedExample } from "../../src/adapt/example-encoding.ts";
import { seedFor } from "../../src/adapt/seeded-random.ts";
import { type SelectionCandidate, selectExamples } from "../../src/adapt/selection.ts";
import { measureExamples } from "../../src/adapt/trainer-steps.ts";
import type { Arm } from "./arms.ts";
import type { Rig } from "./rig.ts";

/**
 * What of a writer's examples an arm may train on, chosen as the product chooses; all of them when they fit.
 * @param texts the words of each example.
 * @param init adapter that the model's uncertainty is measured with; null = the base.
 */
export async function selectedExamples(
  { parts, settings, embedder }: Rig,
  examples: readonly EncodedExample[],
  texts: readonly string[],
  arm: Arm,
  seed: number,
  init: string | null,
): Promise<readonly EncodedExample[]> {
  const total = examples.reduce((sum, { tokens }) => sum + tokens, 0);
  const tokenBudget = Math.min(settings.selection.tokenBudget, Math.floor(arm.budgetShare * total));
  if (tokenBudget >= total) return examples;
  const isOurs = arm.selection === "novelty";
  const measured = isOurs
    ? await measureExamples(parts, "pool", examples, init, settings.optimiser.maxTokens)
    : new Map<string, { entropy: number }>();
  const vectors = isOurs ? await embedder.embed(texts) : [];
  const candidates = examples.map((example, i): SelectionCandidate & { readonly encoded: EncodedExample } => ({
    encoded: example,
    id: example.example.id,
    domain: null,
    vector: vectors[i] ?? new Float32Array(0),
    entropy: measured.get(example.example.id)?.entropy ?? null,
    tokens: example.tokens,
    order: i,
  }));
  const selection = { ...settings.selection, method: arm.selection, tokenBudget };
  const chosen = await selectExamples(candidates, selection, seedFor(seed, "selection"));
  return chosen.map(({ encoded }) => encoded);
}
