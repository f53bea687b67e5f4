import { SAFETY_REASONS, type SafetyVerdict } from "./monitor/safety-verdict.ts";
import { seededRandom } from "./seeded-random.ts";
import type { GateSettings } from "./training-settings.ts";

/** Loss of one example with and without the change, nats a token, and how many tokens it stands for. */
export interface PairedLoss {
  readonly before: number;
  readonly after: number;
  readonly tokens: number;
}

/** Token-weighted mean of after - before with its bootstrap interval; negative is better. */
export interface LossDifference {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly before: number;
  readonly after: number;
  readonly examples: number;
  readonly tokens: number;
}

/** Why a candidate is refused. */
export const GATE_REASONS = [
  "too_few_held_out",
  "no_clear_gain",
  "forgets_general_text",
  "not_finite",
  "correction_not_learned",
  "harms_other_words",
  ...SAFETY_REASONS,
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

/** The gate's decision with everything it rests on. */
export interface GateDecision {
  readonly promoted: boolean;
  readonly reasons: readonly GateReason[];
  /** Candidate against what is in use now. */
  readonly heldOut: LossDifference;
  /** Candidate against the base on general text. */
  readonly general: LossDifference;
  /** Relative rise of the per-token perplexity on general text, exp(mean) - 1. */
  readonly generalRise: number;
  readonly generalCeiling: number;
  readonly confidence: number;
  readonly resamples: number;
  /** What the monitor's probes said; null for versions made before there was a monitor. */
  readonly safety: SafetyVerdict | null;
}

/**
 * Percentile interval of the token-weighted mean difference by a paired bootstrap over examples.
 *
 * @param confidence e.g. 0.95.
 * @see Efron, Tibshirani: An Introduction to the Bootstrap (1993), chapter 13; Koehn, W04-3250, for paired samples.
 */
export function pairedBootstrap(
  losses: readonly PairedLoss[],
  confidence: number,
  resamples: number,
  seed: number,
): LossDifference {
  const tokens = losses.reduce((sum, each) => sum + each.tokens, 0);
  const weighted = (value: (each: PairedLoss) => number) =>
    tokens === 0 ? 0 : losses.reduce((sum, each) => sum + value(each) * each.tokens, 0) / tokens;
  const facts = {
    mean: weighted(({ before, after }) => after - before),
    before: weighted(({ before }) => before),
    after: weighted(({ after }) => after),
    examples: losses.length,
    tokens,
  };
  if (losses.length === 0) return { ...facts, low: 0, high: 0 };
  const random = seededRandom(seed);
  const means: number[] = [];
  for (let resample = 0; resample < resamples; resample += 1) {
    let sum = 0;
    let weight = 0;
    for (let i = 0; i < losses.length; i += 1) {
      const drawn = losses[Math.floor(random() * losses.length)];
      if (drawn === undefined) continue;
      sum += (drawn.after - drawn.before) * drawn.tokens;
      weight += drawn.tokens;
    }
    means.push(weight === 0 ? 0 : sum / weight);
  }
  means.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  const at = (share: number) => means[Math.min(means.length - 1, Math.max(0, Math.round(share * (means.length - 1))))];
  return { ...facts, low: at(tail) ?? facts.mean, high: at(1 - tail) ?? facts.mean };
}

/**
 * Promoted only if the interval of the held-out difference lies below zero and general text stays under its ceiling.
 *
 * @param heldOut the candidate against what is in use now (its parent, or the base).
 * @param general the candidate against the base.
 */
export function decideGate(
  heldOut: readonly PairedLoss[],
  general: readonly PairedLoss[],
  settings: GateSettings,
  seed: number,
): GateDecision {
  const measured = measuredBy(heldOut, general, settings, seed);
  const reasons: GateReason[] = [];
  const areFinite = [...heldOut, ...general].every(({ before, after }) => Number.isFinite(after - before));
  if (!areFinite) reasons.push("not_finite");
  if (heldOut.length < settings.minHeldOut) reasons.push("too_few_held_out");
  else if (!(measured.heldOut.high < 0)) reasons.push("no_clear_gain");
  if (!(measured.generalRise <= settings.generalCeiling)) reasons.push("forgets_general_text");
  return { ...measured, promoted: reasons.length === 0, reasons };
}

/** How a micro-update is judged. */
export interface MicroGateSettings extends Omit<GateSettings, "minHeldOut"> {
  /** Relative rise of the perplexity of the user's other words that is let pass. */
  readonly wordsCeiling: number;
}

/** Whether the perplexity of the user's other words is clearly higher by more than its ceiling. */
export function harmsWords(
  { low }: LossDifference,
  { wordsCeiling }: Pick<MicroGateSettings, "wordsCeiling">,
): boolean {
  return !(low <= Math.log1p(wordsCeiling));
}

/**
 * For a micro-update: promoted if the corrections are predicted better, other words of the user are not clearly worse by
 * more than `wordsCeiling`, and general text stays under its ceiling. There is no time for a gain on held-out words to show.
 *
 * @param corrections before and after, trained on; @param others not trained on.
 */
export function decideMicroGate(
  corrections: readonly PairedLoss[],
  others: readonly PairedLoss[],
  general: readonly PairedLoss[],
  settings: MicroGateSettings,
  seed: number,
): GateDecision {
  const measured = measuredBy(others, general, settings, seed);
  const reasons: GateReason[] = [];
  const learned = pairedBootstrap(corrections, settings.confidence, 1, seed);
  if (!(learned.mean < 0)) reasons.push("correction_not_learned");
  if (harmsWords(measured.heldOut, settings)) reasons.push("harms_other_words");
  if (!(measured.generalRise <= settings.generalCeiling)) reasons.push("forgets_general_text");
  return { ...measured, promoted: reasons.length === 0, reasons };
}

/** The decision with the monitor's: what it finds worse than the bounds is refused, whatever else was gained. */
export function withSafety(decision: GateDecision, safety: SafetyVerdict): GateDecision {
  return {
    ...decision,
    promoted: decision.promoted && safety.passed,
    reasons: [...decision.reasons, ...safety.reasons],
    safety,
  };
}

function measuredBy(
  heldOut: readonly PairedLoss[],
  general: readonly PairedLoss[],
  { confidence, resamples, generalCeiling }: Omit<GateSettings, "minHeldOut">,
  seed: number,
): Omit<GateDecision, "promoted" | "reasons"> {
  const generalDifference = pairedBootstrap(general, confidence, resamples, seed);
  return {
    heldOut: pairedBootstrap(heldOut, confidence, resamples, seed),
    general: generalDifference,
    generalRise: Math.expm1(generalDifference.mean),
    generalCeiling,
    confidence,
    resamples,
    safety: null,
  };
}
