/** What the governor allows training at the moment. */
export interface TrainingBudget {
  /** Share of the time the trainer may compute, [0, 1]; 0 = not at all. */
  readonly duty: number;
  readonly threads: number;
  /** What bound it: a word for logs and MQTT. */
  readonly reason: string;
  /** Memory is short: standing still does not help, the trainer must checkpoint and end. */
  readonly releaseMemory?: boolean;
}

/** What the owner decided for all profiles: no learning at all, or training stands still for a while. */
export type TrainingHold = "learning_off" | "paused";

export interface EligibilityPolicy {
  /** Usable new interactions since the last job (or correction feedback, which counts as one). */
  readonly minNewInteractions: number;
  /** Interactions in all, so that a share of them can be held out. */
  readonly minInteractions: number;
  /** No turn for this long, ms. */
  readonly quietMs: number;
  /** Between two attempts for the same profile, ms. */
  readonly minIntervalMs: number;
}

export interface EligibilityFacts {
  /** Null = none. */
  readonly hold: TrainingHold | null;
  readonly consent: { readonly store: boolean; readonly train: boolean };
  readonly newInteractions: number;
  readonly interactions: number;
  readonly budget: TrainingBudget;
  /** Since the last turn ended; monotonic, so that a clock set back does not count. */
  readonly idleMs: number;
  /** Since the last attempt; null = none, or a clock that was set back: then it does not hold back either. */
  readonly sinceLastAttemptMs: number | null;
  readonly isModelReady: boolean;
  readonly isTrainable: boolean;
  readonly isJobRunning: boolean;
  /** Asked for by its owner, or a rebuild after a deletion: quantity, quiet and interval do not matter. */
  readonly isForced: boolean;
}

export const INELIGIBLE_REASONS = [
  "learning_off",
  "paused",
  "no_store_consent",
  "no_train_consent",
  "no_model",
  "model_not_trainable",
  "job_running",
  "no_budget",
  "too_few_interactions",
  "too_few_new_interactions",
  "not_quiet",
  "too_soon",
] as const;
export type IneligibleReason = (typeof INELIGIBLE_REASONS)[number];

export interface Eligibility {
  readonly eligible: boolean;
  /** Everything that stands in the way, most fundamental first. */
  readonly reasons: readonly IneligibleReason[];
}

/** May a full job begin for this profile? */
export function trainingEligibility(facts: EligibilityFacts, policy: EligibilityPolicy): Eligibility {
  const { isForced, hold } = facts;
  const tooSoon = facts.sinceLastAttemptMs !== null && facts.sinceLastAttemptMs < policy.minIntervalMs;
  const checks: readonly (readonly [IneligibleReason, boolean])[] = [
    ["learning_off", hold === "learning_off"],
    ["paused", hold === "paused"],
    // While learning is off no consent holds: that alone is the reason then.
    ["no_store_consent", hold !== "learning_off" && !facts.consent.store],
    ["no_train_consent", hold !== "learning_off" && !facts.consent.train],
    ["no_model", !facts.isModelReady],
    ["model_not_trainable", !facts.isTrainable],
    ["job_running", facts.isJobRunning],
    ["no_budget", facts.budget.duty <= 0 || facts.budget.threads < 1],
    ["too_few_interactions", facts.interactions < policy.minInteractions],
    ["too_few_new_interactions", !isForced && facts.newInteractions < policy.minNewInteractions],
    ["not_quiet", !isForced && facts.idleMs < policy.quietMs],
    ["too_soon", !isForced && tooSoon],
  ];
  const reasons = checks.filter(([, holds]) => holds).map(([reason]) => reason);
  return { eligible: reasons.length === 0, reasons };
}
