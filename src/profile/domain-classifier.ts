import { DOMAIN_PROTOTYPES } from "./domain-prototypes.ts";
import type { Domain, SentenceEmbedder } from "./ports.ts";
import { dot } from "./vectors.ts";

/** Nearest prototypes that vote. */
const VOTERS = 3;

export interface DomainClassifierOptions {
  /** Borrowed. */
  readonly embedder: SentenceEmbedder;
  /** Similarity to the nearest prototype below which a turn is `other`; default half of what the embedder calls related. */
  readonly minSimilarity?: number;
}

/** Tells what a turn is about by its nearest prototype sentences; the sum of similarities among the best three decides. */
export class DomainClassifier {
  readonly #embedder: SentenceEmbedder;
  readonly #minSimilarity: number;
  #prototypes: Promise<readonly { domain: Domain; vector: Float32Array }[]> | undefined;

  constructor({ embedder, minSimilarity = embedder.scale.related / 2 }: DomainClassifierOptions) {
    this.#embedder = embedder;
    this.#minSimilarity = minSimilarity;
  }

  /** The prototypes are embedded at the first call. */
  async domainOf(text: string): Promise<Domain> {
    this.#prototypes ??= this.#embedPrototypes();
    const prototypes = await this.#prototypes;
    const [vector] = await this.#embedder.embed([text]);
    if (!vector) return "other";
    const nearest = prototypes
      .map(({ domain, vector: prototype }) => ({ domain, similarity: dot(vector, prototype) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, VOTERS);
    if ((nearest[0]?.similarity ?? 0) < this.#minSimilarity) return "other";
    const votes = new Map<Domain, number>();
    for (const { domain, similarity } of nearest) votes.set(domain, (votes.get(domain) ?? 0) + Math.max(0, similarity));
    return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "other";
  }

  async #embedPrototypes(): Promise<readonly { domain: Domain; vector: Float32Array }[]> {
    const labelled = Object.entries(DOMAIN_PROTOTYPES).flatMap(([domain, sentences]) =>
      sentences.map((sentence) => ({ domain: domain as Domain, sentence })),
    );
    const vectors = await this.#embedder.embed(labelled.map(({ sentence }) => sentence));
    return labelled.flatMap(({ domain }, i) => {
      const vector = vectors[i];
      return vector ? [{ domain, vector }] : [];
    });
  }
}
