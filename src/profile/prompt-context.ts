import { wishedAnswerWords } from "./fact-rules.ts";
import type { Fact, FactKind } from "./ports.ts";
import type { Moments } from "./running-moments.ts";

/** Most stable first, so that the prompt's prefix changes as rarely as possible. */
const ORDER: readonly FactKind[] = ["name", "health", "unit", "answer_length", "preference", "other"];

/** Facts in the order of the prompt: by kind, within a kind oldest first (a new fact is appended, not inserted). */
function orderedFacts(facts: readonly Fact[]): Fact[] {
  const rank = (fact: Fact) => ORDER.indexOf(fact.kind);
  return [...facts].sort(
    (a, b) => rank(a) - rank(b) || a.updatedAtMs - b.updatedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}

/**
 * The facts that fit into the token budget. When not all fit, kinds are served in the order of the prompt and within a
 * kind the newest win; what is chosen keeps the order of the prompt.
 */
export function factsWithin(facts: readonly Fact[], tokens: number, countTokens: (text: string) => number): Fact[] {
  const byImportance = orderedFacts(facts).sort(
    (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.updatedAtMs - a.updatedAtMs,
  );
  const chosen = new Set(takeWithin(byImportance, tokens, (fact) => countTokens(fact.statement)));
  return orderedFacts(facts.filter((fact) => chosen.has(fact)));
}

/** Items in order, skipping each that no longer fits, until the budget is used up. */
export function takeWithin<T>(items: readonly T[], budget: number, cost: (item: T) => number): T[] {
  const taken: T[] = [];
  let left = budget;
  for (const item of items) {
    const price = cost(item);
    if (price > left) continue;
    taken.push(item);
    left -= price;
  }
  return taken;
}

/** Turns with an approved answer that are needed before their length says anything. */
const ENOUGH_ANSWERS = 5;

/**
 * Preferred answer length in words: the user's wish when there is one, otherwise the mean length of approved answers,
 * null below five of them.
 */
export function preferredAnswerWords(facts: readonly Fact[], approvedAnswerWords: Moments): number | null {
  for (const fact of facts) {
    const wished = wishedAnswerWords(fact);
    if (wished !== null) return wished;
  }
  return approvedAnswerWords.count < ENOUGH_ANSWERS ? null : Math.round(approvedAnswerWords.mean);
}
