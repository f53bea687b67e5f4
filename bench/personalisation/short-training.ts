import { join } from "node:path";
import type { EncodedExample } from "../../src/adapt/example-encoding.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import { runStep } from "../../src/adapt/trainer-steps.ts";
import type { Rig } from "./rig.ts";

/** A few passes at one rate, from an adapter or from zero; nothing is held out. */
export async function trainShortly(
  { parts, settings, copy }: Rig,
  examples: readonly EncodedExample[],
  { lr, passes }: Rig["catchUp"],
  seed: number,
  adapter: string | null,
  out: string,
): Promise<void> {
  const lines = examples.flatMap(({ sequences }) => sequences);
  const data = join(parts.folder, "catch-up.jsonl");
  await writeTokenFile(data, lines);
  const { sequencesPerStep, maxTokens, clipNorm } = settings.optimiser;
  const target = join(parts.folder, "catch-up.gguf");
  await runStep(parts, {
    mode: "train",
    model: parts.model,
    data,
    out: target,
    threads: parts.threads,
    seed,
    ...(adapter === null ? { lora: settings.lora } : { initAdapter: adapter }),
    optimiser: {
      sequencesPerStep,
      maxTokens,
      clipNorm,
      lr,
      steps: Math.max(1, Math.round((passes * lines.length) / sequencesPerStep)),
    },
    losses: { klWeight: settings.losses.klWeight },
  });
  await copy(target, out);
}
