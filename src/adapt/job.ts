/** `task`: over the version in use, for the turns of one domain. */
export const JOB_KINDS = ["full", "micro", "rebuild", "task"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Kinds of which the newest job is written down apart. */
export type JobTempo = "full" | "micro" | "task";

/** Full jobs and rebuilds go on after a restart; the others are over in seconds and begin anew. */
export function tempoOf(kind: JobKind): JobTempo {
  return kind === "rebuild" ? "full" : kind;
}

/** Life of one training job. */
export const JOB_STATES = [
  "waiting",
  "preparing",
  "training",
  "paused",
  "evaluating",
  "staged",
  "active",
  "rejected",
  "failed",
] as const;
export type JobState = (typeof JOB_STATES)[number];

export type JobEvent =
  /** Its turn came. */
  | "began"
  /** Data is ready; training runs. */
  | "prepared"
  /** The user's turn, or no budget. */
  | "paused"
  | "resumed"
  /** A candidate is there. */
  | "trained"
  /** The gate's decision. */
  | "promoted"
  | "refused"
  /** The assistant answers with it. */
  | "activated"
  /** Consent withdrawn, cancelled, profile gone, or an error that trying again does not cure. */
  | "failed"
  /** The service came up again and finds the job unfinished. */
  | "restarted";

/** What may happen in each state. `restarted` leads to where the work can be taken up again. */
const STEPS: Readonly<Record<JobState, Readonly<Partial<Record<JobEvent, JobState>>>>> = {
  waiting: { began: "preparing", failed: "failed", restarted: "waiting" },
  preparing: { prepared: "training", failed: "failed", restarted: "waiting" },
  training: { paused: "paused", trained: "evaluating", failed: "failed", restarted: "waiting" },
  paused: { resumed: "training", failed: "failed", restarted: "waiting" },
  // The candidate is kept sealed from here on, so that only the measuring is done again.
  evaluating: { promoted: "staged", refused: "rejected", failed: "failed", restarted: "evaluating" },
  staged: { activated: "active", failed: "failed", restarted: "staged" },
  active: { restarted: "active" },
  rejected: { restarted: "rejected" },
  failed: { restarted: "failed" },
};

/** The state after the event, or null when it cannot happen there: the caller keeps the old state and says so. */
export function nextJobState(state: JobState, event: JobEvent): JobState | null {
  return STEPS[state][event] ?? null;
}

/** True when nothing more will happen to the job. */
export function isJobOver(state: JobState): boolean {
  return state === "active" || state === "rejected" || state === "failed";
}
