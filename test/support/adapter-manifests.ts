import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { type AdapterManifest, versionOf } from "../../src/adapt/adapter-manifest.ts";

const NO_DIFFERENCE = { mean: -0.1, low: -0.2, high: -0.05, before: 3, after: 2.9, examples: 6, tokens: 60 };

/** A promoted full adapter of `content`, for base `b...b`, trained on nothing, changed as wanted. */
export function manifestOf(
  profileId: string,
  content: string,
  changes: Partial<AdapterManifest> = {},
): AdapterManifest {
  const sha256 = createHash("sha256").update(content).digest("hex");
  return {
    v: 1,
    version: versionOf(sha256),
    sha256,
    sizeBytes: content.length,
    profileId,
    kind: "full",
    domain: null,
    createdAtMs: Date.UTC(2026, 0, 5, 12),
    base: { sha256: "b".repeat(64), name: "base" },
    parent: null,
    warmStart: null,
    seed: 1,
    settings: {},
    trainedInteractionIds: [],
    trainedExampleIds: [],
    heldOutInteractionIds: [],
    schedule: { surprise: 1, startLoss: 3, passes: [], strength: 1, watchedRise: 0 },
    gate: {
      promoted: true,
      reasons: [],
      heldOut: NO_DIFFERENCE,
      general: NO_DIFFERENCE,
      generalRise: 0,
      generalCeiling: 0.02,
      confidence: 0.95,
      resamples: 100,
      safety: null,
    },
    plan: null,
    ...changes,
  };
}

/** Writes the weights that a manifest was made for. */
export async function writeWeights(path: string, content: string): Promise<string> {
  await writeFile(path, content);
  return path;
}
