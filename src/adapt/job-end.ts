/** Why a job was ended from outside, for good: what it came to is dropped. */
export const JOB_END_REASONS = ["consent", "cancelled", "deleted", "forgotten"] as const;

/** `yield` and `shutdown`: it goes on later from what it came to. */
export type EndReason = (typeof JOB_END_REASONS)[number] | "yield" | "shutdown";
