import type { Signal, SignalKind } from "./ports.ts";

/** What one signal says: estimate s in [-1, 1] with confidence c in [0, 1]. */
export interface SignalWeight {
  readonly estimate: number;
  readonly confidence: number;
}

export type SignalTable = Readonly<Record<SignalKind, SignalWeight>>;

/** The table of design section 3; every row is configuration. */
export const DEFAULT_SIGNAL_TABLE: SignalTable = {
  thumb_up: { estimate: 1, confidence: 1 },
  thumb_down: { estimate: -1, confidence: 1 },
  praise: { estimate: 1, confidence: 1 },
  complaint: { estimate: -1, confidence: 1 },
  correction: { estimate: -1, confidence: 1 },
  rephrase: { estimate: -0.6, confidence: 0.4 },
  barge_in: { estimate: -0.4, confidence: 0.3 },
  stop: { estimate: -0.4, confidence: 0.3 },
  repeat_request: { estimate: -0.2, confidence: 0.2 },
  follow_up: { estimate: 0.3, confidence: 0.2 },
  task_done: { estimate: 0.3, confidence: 0.2 },
};

const EXPLICIT: ReadonlySet<SignalKind> = new Set(["thumb_up", "thumb_down", "praise", "complaint", "correction"]);

export interface Satisfaction {
  readonly estimate: number;
  readonly confidence: number;
}

/**
 * Satisfaction with one answer. The newest explicit signal decides alone (people change their minds; at the same instant
 * the later in the list wins); without one the implicit signals are averaged by confidence, and independent hints add up:
 * c = 1 - Π(1 - c_i). No signals: {0, 0}.
 */
export function satisfactionOf(signals: readonly Signal[], table: SignalTable = DEFAULT_SIGNAL_TABLE): Satisfaction {
  let newest: Signal | undefined;
  for (const signal of signals) {
    if (EXPLICIT.has(signal.kind) && (newest === undefined || signal.atMs >= newest.atMs)) newest = signal;
  }
  if (newest) return { ...table[newest.kind] };
  let weighted = 0;
  let confidences = 0;
  let doubt = 1;
  for (const { kind } of signals) {
    const { estimate, confidence } = table[kind];
    weighted += estimate * confidence;
    confidences += confidence;
    doubt *= 1 - confidence;
  }
  return confidences === 0
    ? { estimate: 0, confidence: 0 }
    : { estimate: weighted / confidences, confidence: 1 - doubt };
}

/** The newest correction's text, unless the answer was approved explicitly after it; null when there is none. */
export function standingCorrection(signals: readonly Signal[]): string | null {
  let standing: string | null = null;
  let atMs = Number.NEGATIVE_INFINITY;
  for (const signal of signals) {
    if (signal.atMs < atMs) continue;
    if (signal.kind === "correction" && signal.correction !== null) {
      standing = signal.correction;
      atMs = signal.atMs;
    } else if (signal.kind === "thumb_up" || signal.kind === "praise") {
      standing = null;
      atMs = signal.atMs;
    }
  }
  return standing;
}
