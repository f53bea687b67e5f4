import { createHash } from "node:crypto";
import type { EncodedExample } from "./example-encoding.ts";
import type { MeasuredExamples } from "./measured-examples.ts";

/** General text for the gates of full jobs and micro-updates and for strengths, and the probes; more only after a change of their files. */
const MOST_KEPT = 6;

/**
 * What one base model predicts of texts that every candidate is measured on (general text, probes): the same each time, so
 * measured once. In memory only, and for fixed texts only: numbers about a user's words must go when the words go.
 */
export class BaseLosses {
  /** Of the base model's file. */
  readonly baseSha256: string;
  readonly #kept = new Map<string, MeasuredExamples>();

  constructor(baseSha256: string) {
    this.baseSha256 = baseSha256;
  }

  /** What was kept of exactly these tokens. */
  of(examples: readonly EncodedExample[]): MeasuredExamples | undefined {
    return this.#kept.get(digestOf(examples));
  }

  keep(examples: readonly EncodedExample[], measured: MeasuredExamples): void {
    this.#kept.set(digestOf(examples), measured);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function digestOf(examples: readonly EncodedExample[]): string {
  const hash = createHash("sha256");
  for (const { example, sequences } of examples) {
    hash.update(JSON.stringify([example.id, sequences.map(({ id, tokens, targets }) => [id, tokens, targets])]));
  }
  return hash.digest("hex");
}
