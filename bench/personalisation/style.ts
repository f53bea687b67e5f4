import { join } from "node:path";
import * as v from "valibot";
import type { TrainerExampleResult } from "../../src/adapt/ports.ts";
import { seededRandom, seedFor, shuffled } from "../../src/adapt/seeded-random.ts";
import { type TokenExample, writeTokenFile } from "../../src/adapt/token-file.ts";
import { baseLossOf, lossOf } from "../../src/adapt/trainer-messages.ts";
import { runStep } from "../../src/adapt/trainer-steps.ts";
import type { Rig } from "./rig.ts";
import { readRows } from "./writers.ts";

const rowSchema = v.object({
  group: v.number(),
  answers: v.record(v.string(), v.string()),
  questions: v.array(v.string()),
});

/** The same questions answered in several styles. */
export type StyleGroup = v.InferOutput<typeof rowSchema>;

/**
 * How the feedback on the rated answers reads: as it was given, given to other answers, or not at all (everything that was
 * shown is learned alike, as if it had been accepted).
 */
export const FEEDBACK_KINDS = ["true", "shuffled", "ignored"] as const;
export type FeedbackKind = (typeof FEEDBACK_KINDS)[number];

/** Answers a user rates before the style is measured. */
const RATED = 30;
/** Questions of an unseen group that are asked. */
const ASKED = 3;
/** Groups that rated answers come from; the rest is unseen. */
export const RATED_GROUPS = 30;

export interface StyleResult {
  /** Questions of unseen groups. */
  readonly asked: number;
  /** For how many the preferred style's answer had the highest mean log-probability. */
  readonly first: number;
  /** For how many it was the one whose log-probability had risen most over the base: the reward that KTO learns. */
  readonly firstByReward: number;
  readonly cpuSeconds: number;
}

/** @throws AppError E_DATA_INVALID. */
export function readStyles(path: string): Promise<StyleGroup[]> {
  return readRows(path, rowSchema);
}

/** KTO settings of the measurement, tuned on other splits of the groups than those measured. */
export interface StyleSettings {
  readonly lr: number;
  readonly steps: number;
  readonly sequencesPerStep: number;
  readonly ktoBeta: number;
  readonly ktoDesirableWeight: number;
  /** Of a liked answer as an accepted one. */
  readonly acceptedWeight: number;
  readonly klWeight: number;
}

/**
 * A user who likes one style rates 30 answers, thumbs up for that style and down for others; then every style's answer to
 * questions of groups never rated is ranked: by how much its log-probability has risen over the base's, which is the reward
 * that KTO learns (up to beta), and for comparison by its mean log-probability, in which the base's own taste weighs most.
 */
export async function measureStyle(
  rig: Rig,
  groups: readonly StyleGroup[],
  preferred: string,
  feedback: FeedbackKind,
  seed: number,
  settings: StyleSettings,
): Promise<StyleResult> {
  const order = shuffled(groups, seededRandom(seedFor(seed, "style groups")));
  const begin = rig.meter.cpuSeconds;
  const adapter = await trainOnRatings(rig, order.slice(0, RATED_GROUPS), preferred, feedback, seed, settings);
  const cpuSeconds = rig.meter.cpuSeconds - begin;
  const unseen = order
    .slice(RATED_GROUPS)
    .flatMap((group) => questionsOf(group, seed, ASKED).map((question) => ({ group, question })));
  const data = join(rig.parts.folder, "style-score.jsonl");
  const examples = unseen.flatMap(({ group, question }, i) =>
    Object.entries(group.answers).map(
      ([style, answer]): TokenExample => ({
        ...encoded(rig, question, answer),
        id: `${i}.${style}`,
        group: `${i}`,
        kind: "ce",
      }),
    ),
  );
  await writeTokenFile(data, examples);
  const { results } = await runStep(rig.parts, {
    mode: "score",
    model: rig.parts.model,
    data,
    threads: rig.parts.threads,
    optimiser: { sequencesPerStep: 8 },
    initAdapter: adapter,
  });
  const isPreferred = ({ id }: TrainerExampleResult) => id.endsWith(`.${preferred}`);
  const firstBy = (score: (result: TrainerExampleResult) => number) =>
    unseen.filter((_, i) => {
      const [best] = results.filter(({ group }) => group === `${i}`).sort((a, b) => score(b) - score(a));
      return best !== undefined && isPreferred(best);
    }).length;
  return {
    asked: unseen.length,
    first: firstBy((result) => -lossOf(result)),
    firstByReward: firstBy((result) => (baseLossOf(result) - lossOf(result)) * result.tokens),
    cpuSeconds,
  };
}

async function trainOnRatings(
  rig: Rig,
  groups: readonly StyleGroup[],
  preferred: string,
  feedback: FeedbackKind,
  seed: number,
  { lr, steps, sequencesPerStep, ktoBeta, acceptedWeight, ktoDesirableWeight, klWeight }: StyleSettings,
): Promise<string> {
  const random = seededRandom(seedFor(seed, `feedback ${preferred}`));
  const shown = ratedAnswers(groups, preferred, seed);
  const verdicts = shown.map(({ style }) => style === preferred);
  const given = feedback === "shuffled" ? shuffled(verdicts, random) : verdicts;
  const examples = shown.flatMap(({ group, style }, i): TokenExample[] => {
    const [question = ""] = questionsOf(group, seed, 1);
    const text = encoded(rig, question, group.answers[style] ?? "");
    if (feedback === "ignored") return [{ ...text, id: `r${i}`, kind: "ce" }];
    const desirable = given[i] ?? false;
    const rated: TokenExample = { ...text, id: `r${i}`, kind: "kto", desirable };
    // As the product does: what the user liked is also an accepted answer.
    return desirable && acceptedWeight > 0
      ? [rated, { ...text, id: `a${i}`, kind: "ce", weight: acceptedWeight }]
      : [rated];
  });
  const data = join(rig.parts.folder, "style-train.jsonl");
  await writeTokenFile(data, examples);
  const out = join(rig.parts.folder, "style.gguf");
  const { lora } = rig.settings;
  await runStep(rig.parts, {
    mode: "train",
    model: rig.parts.model,
    data,
    out,
    threads: rig.parts.threads,
    seed: seedFor(seed, "style"),
    lora,
    optimiser: { lr, steps, sequencesPerStep, clipNorm: 1, warmupSteps: Math.min(3, steps) },
    losses: { ktoBeta, ktoDesirableWeight, klWeight },
  });
  return out;
}

/** What a user is shown and rates: one in three answers happens to be of the style that is liked. */
export function ratedAnswers(
  groups: readonly StyleGroup[],
  preferred: string,
  seed: number,
): readonly { readonly group: StyleGroup; readonly style: string }[] {
  const random = seededRandom(seedFor(seed, `ratings ${preferred}`));
  return groups.slice(0, RATED).map((group, i) => {
    const others = Object.keys(group.answers).filter((style) => style !== preferred);
    const style = i % 3 === 0 ? preferred : (others[Math.floor(random() * others.length)] ?? preferred);
    return { group, style };
  });
}

function questionsOf({ group, questions }: StyleGroup, seed: number, count: number): string[] {
  return shuffled(questions, seededRandom(seedFor(seed, `questions ${group}`))).slice(0, count);
}

function encoded(rig: Rig, question: string, answer: string): Pick<TokenExample, "tokens" | "targets"> {
  const [sequence] = rig.textEncoder.encode({
    kind: "messages",
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
    learn: "last",
  });
  return { tokens: sequence?.tokens ?? [], targets: sequence?.targets ?? [] };
}
