/** A press is short; a hold is reported while the button is still down, and its release then means nothing. */
export type GestureKind = "press" | "double_press" | "hold";

export interface GesturePolicy {
  /** Edges sooner than this after an accepted one are contact bounce, ms. */
  readonly debounceMs: number;
  /** Down this long is a hold, ms. */
  readonly holdMs: number;
  /** A second press that begins within this time of the first release makes a double press, ms; 0 = no double presses. */
  readonly doubleMs: number;
}

export type GestureInput =
  | { readonly kind: "edge"; readonly pressed: boolean; readonly atMs: number }
  | { readonly kind: "time"; readonly atMs: number };

/** What the user did, and when it was certain (monotonic ms). */
export type GestureOutput =
  | { readonly kind: "contact"; readonly pressed: boolean; readonly atMs: number }
  | { readonly kind: GestureKind; readonly atMs: number };

type Stage =
  | { readonly kind: "idle" }
  | { readonly kind: "down"; readonly sinceMs: number; readonly isSecond: boolean }
  /** Hold was reported; waits for the release. */
  | { readonly kind: "held" }
  /** Released once; waits for a second press. */
  | { readonly kind: "released"; readonly sinceMs: number };

/** State of one button. */
export interface GestureState {
  readonly stage: Stage;
  /** Level after debouncing. */
  readonly accepted: boolean;
  /** Last level reported by the port. */
  readonly raw: boolean;
  /** Until then edges only change `raw`; null = not locked. */
  readonly lockedUntilMs: number | null;
  /** Latest time seen; earlier inputs count as this. */
  readonly nowMs: number;
}

export interface GestureStep {
  readonly state: GestureState;
  readonly outputs: readonly GestureOutput[];
  /** When a `time` input is due even without an edge, or null. */
  readonly wakeAtMs: number | null;
}

export const initialGestureState: GestureState = {
  stage: { kind: "idle" },
  accepted: false,
  raw: false,
  lockedUntilMs: null,
  nowMs: Number.NEGATIVE_INFINITY,
};

/**
 * Turns the edges of one button into gestures.
 *
 * Debouncing accepts the first edge at once and then ignores the line for `debounceMs`; if the line then stands at the
 * other level, that counts as an edge of that instant. So a press is seen without delay and a bounce is never two presses.
 *
 * INVARIANTS: deadlines that lie before an input are worked off first, in time order, at their own instant. Hence extra
 * or late `time` inputs change nothing but the moment of the report.
 *
 * @param input atMs: monotonic ms; times that run backwards are lifted to the latest one seen.
 */
export function gestureStep(state: GestureState, input: GestureInput, policy: GesturePolicy): GestureStep {
  const atMs = Math.max(state.nowMs, input.atMs);
  const outputs: GestureOutput[] = [];
  let next = state;
  for (let due = nextDeadline(next, policy); due !== null && due <= atMs; due = nextDeadline(next, policy)) {
    next = passDeadline(next, due, policy, outputs);
  }
  next = { ...next, nowMs: atMs };
  if (input.kind === "edge") {
    next = { ...next, raw: input.pressed };
    if (next.lockedUntilMs === null && next.raw !== next.accepted) next = acceptLevel(next, atMs, policy, outputs);
  }
  return { state: next, outputs, wakeAtMs: nextDeadline(next, policy) };
}

function nextDeadline(state: GestureState, policy: GesturePolicy): number | null {
  const stage = stageDeadline(state.stage, policy);
  if (state.lockedUntilMs === null) return stage;
  return stage === null ? state.lockedUntilMs : Math.min(stage, state.lockedUntilMs);
}

function stageDeadline(stage: Stage, policy: GesturePolicy): number | null {
  if (stage.kind === "down") return stage.sinceMs + policy.holdMs;
  if (stage.kind === "released") return stage.sinceMs + policy.doubleMs;
  return null;
}

function passDeadline(
  state: GestureState,
  dueMs: number,
  policy: GesturePolicy,
  outputs: GestureOutput[],
): GestureState {
  // the lock goes first when both are due: a release hidden by bounce must not be counted as a hold
  if (state.lockedUntilMs !== null && state.lockedUntilMs <= dueMs) {
    const open = { ...state, lockedUntilMs: null };
    return open.raw === open.accepted ? open : acceptLevel(open, dueMs, policy, outputs);
  }
  if (state.stage.kind === "down") {
    // the second press of a double became a hold: the first one was a press of its own
    if (state.stage.isSecond) outputs.push({ kind: "press", atMs: dueMs });
    outputs.push({ kind: "hold", atMs: dueMs });
    return { ...state, stage: { kind: "held" } };
  }
  outputs.push({ kind: "press", atMs: dueMs });
  return { ...state, stage: { kind: "idle" } };
}

function acceptLevel(state: GestureState, atMs: number, policy: GesturePolicy, outputs: GestureOutput[]): GestureState {
  const pressed = state.raw;
  outputs.push({ kind: "contact", pressed, atMs });
  const stage = pressed ? stageAfterPress(state.stage, atMs) : stageAfterRelease(state.stage, atMs, policy, outputs);
  return { ...state, stage, accepted: pressed, lockedUntilMs: policy.debounceMs > 0 ? atMs + policy.debounceMs : null };
}

function stageAfterPress(stage: Stage, atMs: number): Stage {
  return { kind: "down", sinceMs: atMs, isSecond: stage.kind === "released" };
}

function stageAfterRelease(stage: Stage, atMs: number, policy: GesturePolicy, outputs: GestureOutput[]): Stage {
  if (stage.kind !== "down") return { kind: "idle" };
  if (stage.isSecond) {
    outputs.push({ kind: "double_press", atMs });
    return { kind: "idle" };
  }
  if (policy.doubleMs > 0) return { kind: "released", sinceMs: atMs };
  outputs.push({ kind: "press", atMs });
  return { kind: "idle" };
}
