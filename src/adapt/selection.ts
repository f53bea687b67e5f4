import { seededRandom, shuffled } from "./seeded-random.ts";
import type { SelectionSettings } from "./training-settings.ts";

/** What selection knows of an example. */
export interface SelectionCandidate {
  readonly id: string;
  readonly domain: string | null;
  /** Unit vector of what it is about; empty when unknown. */
  readonly vector: Float32Array;
  /** Mean entropy of the model's prediction on its targets, nats; null when not measured. */
  readonly entropy: number | null;
  readonly tokens: number;
  /** Oldest 0. */
  readonly order: number;
}

/** Candidates a redundant one is compared with; bounds the time to candidates x this. */
const BUFFER = 256;

/**
 * The candidates to train on within the token budget, oldest first. All of them when they fit.
 *
 * `novelty`: greedily the one with the highest score (1 - greatest cosine to what was chosen, mixed with its entropy
 * relative to the highest), taking domains in turn so that none is crowded out: the three criteria of
 * arXiv 2311.12275, section 3.2, without its labels. `fifo`: the newest. `random`: by seed. Deterministic.
 */
export function selectExamples<T extends SelectionCandidate>(
  candidates: readonly T[],
  settings: SelectionSettings,
  seed: number,
): T[] {
  const total = candidates.reduce((sum, { tokens }) => sum + tokens, 0);
  if (total <= settings.tokenBudget) return inOrder(candidates);
  switch (settings.method) {
    case "fifo":
      return inOrder(within(inOrder(candidates).reverse(), settings.tokenBudget));
    case "random":
      return inOrder(within(shuffled(inOrder(candidates), seededRandom(seed)), settings.tokenBudget));
    case "novelty":
      return inOrder(byNovelty(inOrder(candidates), settings));
  }
}

function inOrder<T extends SelectionCandidate>(candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

function within<T extends SelectionCandidate>(candidates: readonly T[], budget: number): T[] {
  let left = budget;
  return candidates.filter(({ tokens }) => {
    if (tokens > left) return false;
    left -= tokens;
    return true;
  });
}

interface Pooled<T> {
  readonly candidate: T;
  /** Greatest cosine to a chosen one so far. */
  nearest: number;
}

function byNovelty<T extends SelectionCandidate>(candidates: readonly T[], settings: SelectionSettings): T[] {
  const highest = Math.max(1e-9, ...candidates.map(({ entropy }) => entropy ?? 0));
  const score = ({ candidate, nearest }: Pooled<T>) => {
    const novelty = candidate.vector.length === 0 ? 0.5 : 1 - Math.max(0, nearest);
    if (candidate.entropy === null) return novelty;
    return (1 - settings.entropyShare) * novelty + settings.entropyShare * (candidate.entropy / highest);
  };
  const pools = new Map<string, Pooled<T>[]>();
  for (const candidate of candidates) {
    const domain = candidate.domain ?? "";
    pools.set(domain, [...(pools.get(domain) ?? []), { candidate, nearest: 0 }]);
  }
  const chosen: T[] = [];
  const spent = new Map<string, number>();
  let left = settings.tokenBudget;
  for (;;) {
    // The domain that has had the fewest tokens so far; at a tie the first by name.
    const [domain, pool] = [...pools].sort(
      ([a], [b]) => (spent.get(a) ?? 0) - (spent.get(b) ?? 0) || (a < b ? -1 : 1),
    )[0] ?? [null, null];
    if (domain === null || pool === null) return chosen;
    const affordable = pool.filter(({ candidate }) => candidate.tokens <= left);
    const [first, ...rest] = affordable;
    if (first === undefined) {
      pools.delete(domain);
      continue;
    }
    const best = rest.reduce((top, entry) => (score(entry) > score(top) ? entry : top), first);
    chosen.push(best.candidate);
    left -= best.candidate.tokens;
    spent.set(domain, (spent.get(domain) ?? 0) + best.candidate.tokens);
    pools.set(
      domain,
      affordable.filter((entry) => entry !== best),
    );
    if (chosen.length <= BUFFER) for (const entries of pools.values()) approach(entries, best.candidate.vector);
  }
}

function approach<T extends SelectionCandidate>(entries: readonly Pooled<T>[], chosen: Float32Array): void {
  for (const entry of entries) entry.nearest = Math.max(entry.nearest, cosine(entry.candidate.vector, chosen));
}

function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
