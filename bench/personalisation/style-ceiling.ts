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
  /** Given the answers in all styles of every other group: one group is asked at a time, nothing is drawn. */
  readonly fromOtherGroups: number;
  /** Share of the answers that no other style of their group gives as well: nobody can rank more of them first. */
  readonly distinct: number;
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
          answers.map(({ style, text }) => ({ text, labels: [style === preferred ? 1 : -1] })),
          likeness,
        );
      const [fewScore, allScore] = [scoreBy(rated), scoreBy(all)];
      cases += unseen.length;
      byRatings += unseen.filter((group) => isFirst(group, preferred, (text) => fewScore(text)[0])).length;
      byStyles += unseen.filter((group) => isFirst(group, preferred, (text) => allScore(text)[0])).length;
    }
  }
  return {
    fromRatings: byRatings / cases,
    fromAllStyles: byStyles / cases,
    fromOtherGroups: fromOtherGroups(groups, styles, likeness),
    distinct: shareOf(groups, styles, ({ answers }, preferred) =>
      styles.every((style) => style === preferred || answers[style] !== answers[preferred]),
    ),
  };
}

function fromOtherGroups(groups: readonly StyleGroup[], styles: readonly string[], likeness: Likeness): number {
  const scores = new Map(
    groups.map((asked) => {
      const others = groups.filter((group) => group !== asked);
      const examples = others.flatMap(({ answers }) =>
        styles.map((style) => ({
          text: answers[style] ?? "",
          labels: styles.map((each) => (each === style ? 1 : -1)),
        })),
      );
      return [asked, ridge(examples, likeness)];
    }),
  );
  return shareOf(groups, styles, (group, preferred) =>
    isFirst(group, preferred, (text) => scores.get(group)?.(text)[styles.indexOf(preferred)]),
  );
}

function shareOf(
  groups: readonly StyleGroup[],
  styles: readonly string[],
  holds: (group: StyleGroup, preferred: string) => boolean,
): number {
  const held = groups.flatMap((group) => styles.filter((preferred) => holds(group, preferred)));
  return held.length / (groups.length * styles.length);
}

/** An equal score is not first. */
function isFirst({ answers }: StyleGroup, preferred: string, score: (text: string) => number | undefined): boolean {
  const of = (style: string) => score(answers[style] ?? "") ?? Number.NaN;
  return Object.keys(answers).every((style) => style === preferred || of(style) < of(preferred));
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

/**
 * Ridge regression in its dual form, (K + ridge I) a = y, score = sum of a_i k(x_i, x), for several labels at once.
 *
 * @returns of a text: its score for each label.
 */
function ridge(
  examples: readonly { readonly text: string; readonly labels: readonly number[] }[],
  likeness: Likeness,
): (text: string) => number[] {
  const means = (examples[0]?.labels ?? []).map(
    (_, label) => examples.reduce((sum, { labels }) => sum + (labels[label] ?? 0), 0) / examples.length,
  );
  const weights = solved(
    examples.map((a, i) => [
      ...examples.map((b, j) => likeness(a.text, b.text) + (i === j ? RIDGE : 0)),
      ...means.map((mean, label) => (a.labels[label] ?? 0) - mean),
    ]),
  );
  return (text) => {
    const alike = examples.map((example) => likeness(example.text, text));
    return means.map((mean, label) => alike.reduce((sum, value, i) => sum + (weights[i]?.[label] ?? 0) * value, mean));
  };
}

/**
 * Solves a positive definite system by elimination.
 *
 * @param rows [n × (n + m)], m right sides last; used up.
 * @returns [n × m].
 */
function solved(rows: number[][]): number[][] {
  const n = rows.length;
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let pivot = 0; pivot < n; pivot += 1) {
    for (let i = pivot + 1; i < n; i += 1) {
      const factor = at(i, pivot) / at(pivot, pivot);
      const row = rows[i] ?? [];
      for (let j = pivot; j < row.length; j += 1) row[j] = (row[j] ?? 0) - factor * at(pivot, j);
    }
  }
  const solution: number[][] = [];
  for (let i = n - 1; i >= 0; i -= 1) {
    const sides = rows[i]?.slice(n) ?? [];
    const known = (side: number) =>
      solution.reduce((sum, values, k) => sum + (values[side] ?? 0) * at(i, i + 1 + k), 0);
    solution.unshift(sides.map((value, side) => (value - known(side)) / at(i, i)));
  }
  return solution;
}
