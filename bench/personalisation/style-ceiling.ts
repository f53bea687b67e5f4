import { seededRandom, seedFor, shuffled } from "../../src/adapt/seeded-random.ts";
import { RATED_GROUPS, ratedAnswers, type StyleGroup } from "./style.ts";

/** Of the squared length of an answer's features, which is 1. Not tuned. */
const RIDGE = 1;

/** Share of unseen answer groups for which a classifier ranks the liked style first. */
export interface StyleCeiling {
  /** Given what the adapter is given: 30 ratings. */
  readonly fromRatings: number;
  /** Given the answers in all styles to 30 questions, each with its style. */
  readonly fromAllStyles: number;
}

/**
 * What can be told of a style from the answers alone, by a ridge classifier on letters, letter triples, words and
 * punctuation: no model of language, the same splits and ratings as {@link measureStyle}.
 *
 * @param seeds each is another split of the groups.
 */
export function styleCeiling(groups: readonly StyleGroup[], seeds: readonly number[]): StyleCeiling {
  const styles = Object.keys(groups[0]?.answers ?? {});
  const likeness = likenessOf(groups.flatMap(({ answers }) => Object.values(answers)));
  let [cases, byRatings, byStyles] = [0, 0, 0];
  for (const seed of seeds) {
    const order = shuffled(groups, seededRandom(seedFor(seed, "style groups")));
    const known = order.slice(0, RATED_GROUPS);
    const unseen = order.slice(RATED_GROUPS);
    const all = known.flatMap(({ answers }) => styles.map((style) => ({ style, text: answers[style] ?? "" })));
    for (const preferred of styles) {
      const rated = ratedAnswers(known, preferred, seed).map(({ group, style }) => ({
        style,
        text: group.answers[style] ?? "",
      }));
      const scoreBy = (answers: readonly { readonly style: string; readonly text: string }[]) =>
        ridge(
          answers.map(({ style, text }) => ({ text, label: style === preferred ? 1 : -1 })),
          likeness,
        );
      const [fewScore, allScore] = [scoreBy(rated), scoreBy(all)];
      const isFirst = ({ answers }: StyleGroup, score: (text: string) => number) => {
        const own = score(answers[preferred] ?? "");
        return styles.every((style) => style === preferred || score(answers[style] ?? "") < own);
      };
      cases += unseen.length;
      byRatings += unseen.filter((group) => isFirst(group, fewScore)).length;
      byStyles += unseen.filter((group) => isFirst(group, allScore)).length;
    }
  }
  return { fromRatings: byRatings / cases, fromAllStyles: byStyles / cases };
}

type Features = ReadonlyMap<string, number>;
type Likeness = (a: string, b: string) => number;

/** Inner products of the features of any two of these texts. */
function likenessOf(texts: readonly string[]): Likeness {
  const distinct = [...new Set(texts)];
  const place = new Map(distinct.map((text, i) => [text, i]));
  const features = distinct.map(featuresOf);
  const products = features.map((a) => features.map((b) => dot(a, b)));
  return (a, b) => products[place.get(a) ?? -1]?.[place.get(b) ?? -1] ?? Number.NaN;
}

/** Counts of letters, letter triples, words and punctuation, scaled to length 1. */
function featuresOf(text: string): Features {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const padded = ` ${text} `;
  for (let i = 0; i < text.length; i += 1) {
    count(`letter ${text[i]}`);
    count(`triple ${padded.slice(i, i + 3)}`);
  }
  for (const word of text.toLowerCase().match(/[\p{L}']+|[^\p{L}\s]/gu) ?? []) count(`word ${word}`);
  const length = Math.sqrt([...counts.values()].reduce((sum, value) => sum + value * value, 0));
  return new Map([...counts].map(([key, value]) => [key, value / length]));
}

function dot(a: Features, b: Features): number {
  let sum = 0;
  for (const [key, value] of a) sum += value * (b.get(key) ?? 0);
  return sum;
}

/** Ridge regression in its dual form: (K + ridge I) a = y, score = sum of a_i k(x_i, x). */
function ridge(
  examples: readonly { readonly text: string; readonly label: number }[],
  likeness: Likeness,
): (text: string) => number {
  const mean = examples.reduce((sum, { label }) => sum + label, 0) / examples.length;
  const matrix = examples.map((a, i) => [
    ...examples.map((b, j) => likeness(a.text, b.text) + (i === j ? RIDGE : 0)),
    a.label - mean,
  ]);
  const weights = solved(matrix);
  return (text) => examples.reduce((sum, example, i) => sum + (weights[i] ?? 0) * likeness(example.text, text), mean);
}

/** Solves a positive definite system by elimination. @param rows [n × (n + 1)], the right side last; used up. */
function solved(rows: number[][]): number[] {
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let pivot = 0; pivot < rows.length; pivot += 1) {
    for (let i = pivot + 1; i < rows.length; i += 1) {
      const factor = at(i, pivot) / at(pivot, pivot);
      const row = rows[i] ?? [];
      for (let j = pivot; j <= rows.length; j += 1) row[j] = (row[j] ?? 0) - factor * at(pivot, j);
    }
  }
  const solution: number[] = [];
  for (let i = rows.length - 1; i >= 0; i -= 1) {
    const known = solution.reduce((sum, value, k) => sum + value * at(i, i + 1 + k), 0);
    solution.unshift((at(i, rows.length) - known) / at(i, i));
  }
  return solution;
}
