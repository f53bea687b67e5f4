/** What the light tells. training and fault are shown while the assistant is idle; a phase of a turn wins over them. */
export type LedSign = "idle" | "listening" | "thinking" | "speaking" | "training" | "fault";

/** Part of a pattern: on or off for that long. */
export interface LedStep {
  readonly on: boolean;
  /** ms; Infinity = for good. */
  readonly forMs: number;
}

const FOR_GOOD = Number.POSITIVE_INFINITY;

/** Each pattern repeats from its start. */
const PATTERNS: Readonly<Record<LedSign, readonly LedStep[]>> = {
  idle: [{ on: false, forMs: FOR_GOOD }],
  listening: [{ on: true, forMs: FOR_GOOD }],
  thinking: blink(125, 125),
  speaking: blink(500, 500),
  training: [...blink(100, 150), ...blink(100, 1650)],
  fault: [...blink(80, 120), ...blink(80, 720)],
};

function blink(onMs: number, offMs: number): readonly LedStep[] {
  return [
    { on: true, forMs: onMs },
    { on: false, forMs: offMs },
  ];
}

/** State of the light and for how long it stays. */
export interface LedMoment {
  readonly on: boolean;
  /** Until the next change, ms; Infinity = never. */
  readonly remainsMs: number;
}

/**
 * The light at one instant of a sign: idle off, listening on, thinking 4 Hz, speaking 1 Hz, training a heartbeat of 2 s, fault
 * a double flash every second.
 *
 * @param elapsedMs since the sign began, >= 0.
 */
export function ledAt(sign: LedSign, elapsedMs: number): LedMoment {
  const steps = PATTERNS[sign];
  const periodMs = steps.reduce((sum, step) => sum + step.forMs, 0);
  let restMs = periodMs === FOR_GOOD ? 0 : elapsedMs % periodMs;
  for (const step of steps) {
    if (restMs < step.forMs) return { on: step.on, remainsMs: step.forMs - restMs };
    restMs -= step.forMs;
  }
  return { on: false, remainsMs: FOR_GOOD };
}
