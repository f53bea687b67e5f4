import { setImmediate } from "node:timers/promises";
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

/** Chosen ones with which a candidate is compared; bounds the time to candidates x this. */
const BUFFER = 256;
/** Comparisons before the event loop gets its turn: about 1 ms on x86. */
const AT_ONCE = 1024;

/**
 * The candidates to train on within the token budget, oldest first. All of them when they fit.
 *
 * `novelty`: greedily the one with the highest score (1 - greatest cosine to what was chosen, mixed with its entropy
 * relative to the highest), taking domains in turn so that none is crowded out: the three criteria of
 * arXiv 2311.12275, section 3.2, without its labels. `fifo`: the newest. `random`: by seed. Deterministic.
 * Gives way to other work in between.
 */
export async function selectExamples<T extends SelectionCandidate>(
  candidates: readonly T[],
  settings: SelectionSettings,
  seed: number,
): Promise<T[]> {
  const total = candidates.reduce((sum, { tokens }) => sum + tokens, 0);
  if (total <= settings.tokenBudget) return inOrder(candidates);
  switch (settings.method) {
    case "fifo":
      return inOrder(within(inOrder(candidates).reverse(), settings.tokenBudget));
    case "random":
      return inOrder(within(shuffled(inOrder(candidates), seededRandom(seed)), settings.tokenBudget));
    case "novelty":
      return inOrder(await byNovelty(inOrder(candidates), settings));
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

async function byNovelty<T extends SelectionCandidate>(
  candidates: readonly T[],
  settings: SelectionSettings,
): Promise<T[]> {
  const highest = candidates.reduce((top, { entropy }) => Math.max(top, entropy ?? 0), 1e-9);
  const scoreOf = ({ candidate, nearest }: Pooled<T>) => {
    const novelty = candidate.vector.length === 0 ? 0.5 : 1 - Math.max(0, nearest);
    if (candidate.entropy === null) return novelty;
    return (1 - settings.entropyShare) * novelty + settings.entropyShare * (candidate.entropy / highest);
  };
  const pools = new DomainPools(candidates, settings.tokenBudget);
  const chosen: T[] = [];
  while (chosen.length < BUFFER) {
    const best = pools.take((pool, left) => drawHighest(pool, left, scoreOf));
    if (best === null) return chosen;
    chosen.push(best);
    for (const pool of pools.all) await approach(pool, best.vector);
  }
  // From here on no score changes.
  for (const pool of pools.all) await bestLast(pool, scoreOf);
  for (;;) {
    const best = pools.take(drawLast);
    if (best === null) return chosen;
    chosen.push(best);
  }
}

/** Candidates by domain, oldest first, from which the domain with the fewest tokens so far gives the next. */
class DomainPools<T extends SelectionCandidate> {
  readonly #pools = new Map<string, Pooled<T>[]>();
  readonly #spent = new Map<string, number>();
  #left: number;

  constructor(candidates: readonly T[], tokenBudget: number) {
    this.#left = tokenBudget;
    for (const candidate of candidates) {
      const domain = candidate.domain ?? "";
      const pool = this.#pools.get(domain) ?? [];
      pool.push({ candidate, nearest: 0 });
      this.#pools.set(domain, pool);
    }
  }

  get all(): Iterable<Pooled<T>[]> {
    return this.#pools.values();
  }

  /** The one that `draw` takes out of a pool, given the tokens that are left; null when no pool has one. */
  take(draw: (pool: Pooled<T>[], left: number) => Pooled<T> | null): T | null {
    for (;;) {
      const domain = this.#leastServed();
      if (domain === null) return null;
      const best = draw(this.#pools.get(domain) ?? [], this.#left)?.candidate;
      if (best !== undefined) {
        this.#left -= best.tokens;
        this.#spent.set(domain, (this.#spent.get(domain) ?? 0) + best.tokens);
        return best;
      }
      this.#pools.delete(domain);
    }
  }

  /** At a tie the first by name. */
  #leastServed(): string | null {
    const spentBy = (domain: string) => this.#spent.get(domain) ?? 0;
    const byNeed = (a: string, b: string) => spentBy(a) - spentBy(b) || (a < b ? -1 : 1);
    return [...this.#pools.keys()].sort(byNeed)[0] ?? null;
  }
}

/** At a tie the first. */
function drawHighest<T extends SelectionCandidate>(
  pool: Pooled<T>[],
  left: number,
  scoreOf: (entry: Pooled<T>) => number,
): Pooled<T> | null {
  let at = -1;
  let top = Number.NEGATIVE_INFINITY;
  for (const [i, entry] of pool.entries()) {
    const score = entry.candidate.tokens > left ? top : scoreOf(entry);
    if (score > top) [at, top] = [i, score];
  }
  return at < 0 ? null : (pool.splice(at, 1)[0] ?? null);
}

/** The last that the budget still holds; those behind it are dropped, since the budget only shrinks. */
function drawLast<T extends SelectionCandidate>(pool: Pooled<T>[], left: number): Pooled<T> | null {
  const at = pool.findLastIndex(({ candidate }) => candidate.tokens <= left);
  return at < 0 ? null : (pool.splice(at)[0] ?? null);
}

/** Sorts by score, at a tie the first behind. */
async function bestLast<T>(pool: Pooled<T>[], scoreOf: (entry: Pooled<T>) => number): Promise<void> {
  await setImmediate();
  const scores = new Map(pool.map((entry) => [entry, scoreOf(entry)]));
  pool.reverse().sort((a, b) => (scores.get(a) ?? 0) - (scores.get(b) ?? 0));
}

async function approach<T extends SelectionCandidate>(pool: readonly Pooled<T>[], chosen: Float32Array): Promise<void> {
  for (const [i, entry] of pool.entries()) {
    if (i % AT_ONCE === 0) await setImmediate();
    entry.nearest = Math.max(entry.nearest, cosine(entry.candidate.vector, chosen));
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
