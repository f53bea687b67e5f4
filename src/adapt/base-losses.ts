import { createHash } from "node:crypto";
import type { EncodedExample } from "./example-encoding.ts";
import type { MeasuredExample } from "./measured-examples.ts";

/** General text and probes are some 500 examples; more only after a change of their files. */
const MOST_KEPT = 4_000;

/**
 * What one base model predicts of texts that every candidate is measured on (general text, probes): the same each time, so
 * measured once. In memory only, and for fixed texts only: numbers about a user's words must go when the words go.
 */
export class BaseLosses {
  /** Of the base model's file. */
  readonly baseSha256: string;
  readonly #kept = new Map<string, MeasuredExample>();

  constructor(baseSha256: string) {
    this.baseSha256 = baseSha256;
  }

  /** What was kept of exactly these tokens. */
  of(example: EncodedExample): MeasuredExample | undefined {
    return this.#kept.get(digestOf(example));
  }

  keep(example: EncodedExample, measured: MeasuredExample): void {
    this.#kept.set(digestOf(example), measured);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function digestOf({ example, sequences }: EncodedExample): string {
  const facts = [example.id, sequences.map(({ id, tokens, targets }) => [id, tokens, targets])];
  return createHash("sha256").update(JSON.stringify(facts)).digest("base64");
}
