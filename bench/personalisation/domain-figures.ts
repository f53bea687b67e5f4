import { type Figure, medianFigure, skippedFigure } from "../report.ts";
import type { DomainLosses, DomainResult } from "./domains.ts";
import { markdownTable, percent } from "./page.ts";
import type { BenchState } from "./state.ts";
import { medianInterval } from "./summary.ts";

/** Every domain of every writer measured so far. */
export function keptDomains(state: BenchState, writers: readonly number[]): DomainResult[] {
  return writers.flatMap((writer) => (state.kept(`domains/${writer}`) as DomainResult[] | undefined) ?? []);
}

/** Drops of the perplexity per word, one per writer and domain. */
function drops(
  results: readonly DomainResult[],
  which: keyof DomainLosses,
  from: (result: DomainResult) => DomainLosses,
  to: (result: DomainResult) => DomainLosses,
): number[] {
  return results.map((result) => 1 - Math.exp(to(result)[which] - from(result)[which]));
}

/** What an adapter for one domain does in it and elsewhere, against the general one and against none. */
export function domainFigures(results: readonly DomainResult[]): Record<string, Figure> {
  const figure = (values: readonly number[]) =>
    values.length > 0 ? medianFigure(values, "share") : skippedFigure("share", "not among the arms measured so far");
  const [base, general, task, alone] = [
    (result: DomainResult) => result.base,
    (result: DomainResult) => result.general,
    (result: DomainResult) => result.task,
    (result: DomainResult) => result.alone,
  ] as const;
  return {
    domain_gain: figure(drops(results, "own", general, task)),
    domain_spill: figure(drops(results, "others", general, task)),
    domain_alone: figure(drops(results, "own", base, alone)),
    domain_carry_over: figure(drops(results, "others", base, alone)),
  };
}

/** The same as a table with intervals over domains; empty when nothing was measured. */
export function domainTable(results: readonly DomainResult[]): string {
  if (results.length === 0) return "";
  const row = (name: string, to: (result: DomainResult) => DomainLosses) => [
    name,
    ...(["own", "others"] as const).map((which) => {
      const values = drops(results, which, ({ base }) => base, to);
      const [low, high] = medianInterval(values);
      return `${percent(medianFigure(values, "share").value ?? 0)} (${percent(low)} to ${percent(high)})`;
    }),
  ];
  return markdownTable(
    [`adapter (${results.length} domains of the writers)`, "drop in its domain", "drop in the writer's other domains"],
    [
      row("general: all dialogues", ({ general }) => general),
      row("task: the general one, trained further on the domain", ({ task }) => task),
      row("the warm start, trained on the domain only", ({ alone }) => alone),
    ],
  );
}
