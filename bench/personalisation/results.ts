import { join } from "node:path";
import { writeFileAtomic } from "../../src/core/atomic-file.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { type BenchResult, type Figure, medianFigure, significant, skippedFigure, spreadOf } from "../report.ts";
import { ARMS, SWAPPED, TRIGRAM, WARM_START_ONLY } from "./arms.ts";
import { correctionFigures } from "./corrections.ts";
import { domainFigures, domainTable, keptDomains } from "./domain-figures.ts";
import type { MicroResult } from "./micro.ts";
import { markdownTable, percent, writeResults } from "./page.ts";
import { dropPlot } from "./plot.ts";
import type { Rig } from "./rig.ts";
import type { BenchState } from "./state.ts";
import type { FeedbackKind, StyleResult } from "./style.ts";
import type { StyleCeiling } from "./style-ceiling.ts";
import {
  type ArmSummary,
  dropsOf,
  meanInterval,
  medianInterval,
  natsPerWord,
  summariseArm,
  WATTS_PER_CORE,
} from "./summary.ts";
import { countWords, type WriterSplit } from "./writers.ts";

/** Where the state keeps the {@link StyleCeiling}. */
export const CEILING_KEY = "style-ceiling";
/** Not "micro", under which the training alone was kept. */
export const MICRO_KEY = "micro-update";
const PROMPT_ARMS = ["profile_prompt", "retrieval", "dialogue_phrases", "phrases"];
/** Arms with a share of the examples, least first: for the share with which the warm start reaches zero-init. */
const SHARES: readonly (readonly [share: number, arm: string])[] = [
  [1 / 6, "meta_sixth"],
  [1 / 3, "meta_third"],
  [1 / 2, "half_random"],
  [1, "no_retuning"],
];

/** Figures, intervals and table from what has been measured so far. */
export function resultsOf(
  state: BenchState,
  writers: readonly WriterSplit[],
  seeds: readonly number[],
  rig: Rig,
): BenchResult {
  const ids = writers.map(({ writer }) => writer);
  const arm = (name: string) => state.arm(name, ids, seeds);
  const base = arm("base");
  const summaries = [...ARMS.map(({ name }) => name), WARM_START_ONLY, SWAPPED].flatMap(
    (name) => summariseArm(name, arm(name), base) ?? [],
  );
  const summary = (name: string) => summaries.find((each) => each.arm === name) ?? null;
  /** Of the writers that all of these arms were measured on: arms are compared on the same people. */
  const common = (names: readonly string[]) => {
    const shared = ids.filter((writer) => names.every((name) => arm(name).has(writer)));
    const onShared = (name: string) => state.arm(name, shared, seeds);
    return names.flatMap((name) => summariseArm(name, onShared(name), base) ?? []);
  };
  const trigram = trigramDrops(state, ids);
  const main = summary("adapt_prompt");
  const style = styleFigures(state, seeds);
  const ceiling = state.kept(CEILING_KEY) as StyleCeiling | undefined;
  const forgetting = keptNumbers(
    state,
    seeds.flatMap((seed) => ids.map((writer) => `forgetting/${seed}/${writer}`)),
  );
  const micro = state.kept(MICRO_KEY) as MicroResult | undefined;
  const figures: Record<string, Figure> = {
    median_drop: figureOf(main?.medianDrop, "share", ">= 0.20"),
    writers: { value: base.size, unit: "writers" },
    writers_better: figureOf(main?.better, "writers", `= ${base.size}`),
    beats_prompt: figureOf(beatsPrompt(arm("adapt_prompt"), PROMPT_ARMS.map(arm)), "writers", ">= 18 of 20"),
    trigram_median_drop: trigram.length > 0 ? medianFigure(trigram, "share") : skippedFigure("share", NOT_MEASURED),
    against_dialogue_only: figureOf(medianOf(dropsOf(arm("adapt_prompt"), arm("dialogue_phrases"))), "share"),
    phrases_median_drop: figureOf(summary("phrases")?.medianDrop, "share"),
    no_retuning_median_drop: figureOf(summary("no_retuning")?.medianDrop, "share"),
    swapped_median_drop: figureOf(summary(SWAPPED)?.medianDrop, "share", "< 0"),
    swapped_against_warm_start: figureOf(medianOf(dropsOf(arm(SWAPPED), arm(WARM_START_ONLY))), "share", "< 0"),
    style_accuracy: figureOf(style.accuracy, "share", ">= 0.90"),
    style_feedback_ignored: figureOf(style.ignored, "share"),
    style_ceiling: figureOf(ceiling?.fromRatings, "share"),
    style_ceiling_all: figureOf(ceiling?.fromAllStyles, "share"),
    style_ceiling_others: figureOf(ceiling?.fromOtherGroups, "share"),
    style_distinct: figureOf(ceiling?.distinct, "share"),
    forgetting:
      forgetting.length > 0 ? medianFigure(forgetting, "share", "<= 0.01") : skippedFigure("share", NOT_MEASURED),
    meta_fraction: metaFraction(common([...SHARES.map(([, name]) => name), "zero_init"])),
    selection_gain_per_cpu: selectionGain(common(["half_novelty", "half_random"])),
    ...microFigures(micro),
    ...correctionFigures(state, rig, ids),
    ...domainFigures(keptDomains(state, ids)),
  };
  return {
    figures,
    details: {
      style_by_likelihood: style.byLikelihood,
      shuffled_interval: style.shuffledInterval,
      trigram_interval: trigram.length > 0 ? medianInterval(trigram) : null,
      arms: Object.fromEntries(summaries.map((each) => [each.arm, wireOf(each)])),
    },
    rows: summaries.map((each) => ({ arm: each.arm, ...wireOf(each) })),
    conditions: {
      seeds: seeds.length,
      window_tokens: rig.window.tokens,
      watts_per_core: WATTS_PER_CORE,
      warm_start: rig.metaAdapter !== null,
      state: state.path,
    },
  };
}

/** Five styles. */
const STYLE_CHANCE = 1 / 5;
const NOT_MEASURED = "not among the arms measured so far";

/** Table and plot into docs/personalisation.md and docs/personalisation.svg. */
export async function writePage(
  { figures, details, rows = [] }: BenchResult,
  state: BenchState,
  writers: readonly WriterSplit[],
  seeds: readonly number[],
  { quick }: { readonly quick: boolean },
): Promise<void> {
  const ids = writers.map(({ writer }) => writer);
  const base = state.arm("base", ids, seeds);
  const docOf = new Map(ARMS.map(({ name, doc }) => [name, doc]));
  const table = markdownTable(
    ["arm", "what it is", "median drop", "95 % interval", "better for", "seeds", "CPU s", "J (estimated)"],
    rows.map((row) => [
      `${row.arm}`,
      docOf.get(`${row.arm}`) ?? (row.arm === SWAPPED ? "control: the next writer's adapter" : "the warm start alone"),
      percent(Number(row.median_drop)),
      `${percent(Number(row.low))} to ${percent(Number(row.high))}`,
      `${row.better} of ${row.writers}`,
      `${row.seeds}`,
      Number(row.cpu_s).toFixed(1),
      Number(row.joules).toFixed(0),
    ]),
  );
  const figureTable = markdownTable(
    ["figure", "measured", "goal"],
    Object.entries(figures).map(([name, { value, goal, skipped, unit }]) => [
      `\`${name}\``,
      value === null ? `not measured: ${skipped}` : `${significant(value)} ${unit}`,
      goal ?? "",
    ]),
  );
  const words = new Map(
    writers.map(({ writer, training, validation }) => [
      writer,
      [...training, ...validation].flat().reduce((sum, turn) => sum + countWords(turn), 0),
    ]),
  );
  const domains = domainTable(keptDomains(state, ids));
  const series = [
    ["adapt_prompt", "#1b6ca8"],
    [SWAPPED, "#c0392b"],
  ].flatMap(([name = "", colour = ""]) => {
    const drops = dropsOf(state.arm(name, ids, seeds), base);
    const points = [...drops].map(([writer, drop]) => ({ words: words.get(writer) ?? 1, drop }));
    return points.length > 0 ? [{ name, colour, points }] : [];
  });
  if (series.length > 0) {
    await writeFileAtomic(join(packageRoot, "docs", "personalisation.svg"), dropPlot(series, 0.2), 0o644);
  }
  const shuffled = details?.shuffled_interval ?? null;
  await writeResults(
    join(packageRoot, "docs", "personalisation.md"),
    [
      ...(quick ? ["(from `--quick`: two writers, one seed)", ""] : []),
      figureTable,
      "",
      ...(shuffled === null
        ? []
        : [
            `Style accuracy with shuffled feedback less chance (20 %), 95 % interval: ${JSON.stringify(shuffled)}.`,
            "",
          ]),
      table,
      "",
      ...(domains === "" ? [] : [domains, ""]),
      "![Drop of perplexity per word against the words a writer had said before](personalisation.svg)",
    ].join("\n"),
  );
}

function figureOf(value: number | null | undefined, unit: string, goal?: string): Figure {
  if (value === null || value === undefined) return skippedFigure(unit, NOT_MEASURED);
  return { value, unit, ...(goal === undefined ? {} : { goal }) };
}

function beatsPrompt(
  main: ReturnType<BenchState["arm"]>,
  prompts: readonly ReturnType<BenchState["arm"]>[],
): number | null {
  if (main.size === 0 || prompts.every(({ size }) => size === 0)) return null;
  let wins = 0;
  for (const [writer, results] of main) {
    const nats = results.reduce((sum, result) => sum + natsPerWord(result), 0) / results.length;
    const best = Math.min(...prompts.flatMap((prompt) => (prompt.get(writer) ?? []).map(natsPerWord)));
    if (nats < best) wins += 1;
  }
  return wins;
}

function medianOf(drops: ReadonlyMap<number, number>): number | null {
  return drops.size === 0 ? null : spreadOf([...drops.values()]).median;
}

function trigramDrops(state: BenchState, ids: readonly number[]): number[] {
  return ids.flatMap((writer) => {
    const kept = state.kept(`${TRIGRAM}/${writer}`) as { general: number; mixture: number; words: number } | undefined;
    return kept === undefined ? [] : [1 - Math.exp((kept.mixture - kept.general) / kept.words)];
  });
}

function keptNumbers(state: BenchState, keys: readonly string[]): number[] {
  return keys.flatMap((key) => {
    const kept = state.kept(key);
    return typeof kept === "number" ? [kept] : [];
  });
}

/** The whole of it, of further ones; what of that is training; and the first one after a start. */
function microFigures(micro: MicroResult | undefined): Record<string, Figure> {
  const unit = "s";
  if (micro === undefined) return { micro_update_s: skippedFigure(unit, NOT_MEASURED) };
  if (micro.further.length === 0) return { micro_update_s: skippedFigure(unit, "no update was let through") };
  return {
    micro_update_s: medianFigure(micro.further, unit, "<= 5"),
    micro_training_s: medianFigure(micro.training, unit),
    micro_first_s: { value: micro.first, unit },
  };
}

function metaFraction(summaries: readonly ArmSummary[]): Figure {
  const zero = summaries.find(({ arm }) => arm === "zero_init");
  const isMissing = SHARES.some(([, name]) => summaries.every(({ arm }) => arm !== name));
  if (zero === undefined || isMissing) return skippedFigure("of the examples", NOT_MEASURED);
  for (const [share, name] of SHARES) {
    const found = summaries.find(({ arm }) => arm === name);
    if (found !== undefined && found.medianDrop >= zero.medianDrop)
      return { value: share, unit: `of the examples (${zero.writers} writers)`, goal: "<= 1/3" };
  }
  return { value: null, unit: "of the examples", goal: "<= 1/3", skipped: "never reached zero-init's drop" };
}

function selectionGain([ours, random]: readonly ArmSummary[]): Figure {
  if (ours === undefined || random === undefined || random.medianDrop <= 0) return skippedFigure("x", NOT_MEASURED);
  const gain = ours.medianDrop / ours.cpuSeconds / (random.medianDrop / random.cpuSeconds);
  return { value: gain, unit: `x (${ours.writers} writers)`, goal: ">= 2" };
}

function styleFigures(
  state: BenchState,
  seeds: readonly number[],
): {
  /** By the reward that was learned: by how much the answer's log-probability has risen over the base's. */
  readonly accuracy: number | null;
  readonly byLikelihood: number | null;
  /** The same measure where thumbs are not looked at. */
  readonly ignored: number | null;
  /** Of what shuffled feedback comes to, against chance. */
  readonly shuffledInterval: readonly [number, number] | null;
} {
  const keys = (feedback: FeedbackKind) =>
    state.keys(`style/${feedback}/`).filter((key) => seeds.includes(Number(key.split("/")[2])));
  const result = (key: string) => state.kept(key) as StyleResult;
  const byReward = (key: string) => result(key).firstByReward / result(key).asked;
  const differences = keys("shuffled").map((key) => byReward(key) - STYLE_CHANCE);
  return {
    accuracy: meanOf(keys("true").map(byReward)),
    byLikelihood: meanOf(keys("true").map((key) => result(key).first / result(key).asked)),
    ignored: meanOf(keys("ignored").map(byReward)),
    shuffledInterval: differences.length === 0 ? null : meanInterval(differences),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function wireOf({ arm: _, medianDrop, low, high, better, writers, seeds, cpuSeconds, joules }: ArmSummary) {
  const round = (value: number) => significant(value);
  return {
    median_drop: round(medianDrop),
    low: round(low),
    high: round(high),
    better,
    writers,
    seeds,
    cpu_s: round(cpuSeconds),
    joules: round(joules),
  };
}
