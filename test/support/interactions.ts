import type { Interaction, Signal, SignalKind } from "../../src/profile/ports.ts";
import { satisfactionOf } from "../../src/profile/satisfaction.ts";

const START_MS = Date.UTC(2026, 0, 5, 12);

/** The `n`th turn (from 0), 30 s after the one before, changed as wanted; satisfaction follows from the signals. */
export function interaction(n: number, changes: Partial<Interaction> = {}): Interaction {
  const signals = changes.signals ?? [];
  return {
    id: `i_${String(n).padStart(16, "0")}`,
    profileId: "p_0000000000000001",
    atMs: START_MS + n * 30_000,
    modality: "text",
    input: `question ${n}`,
    answer: `answer ${n}`,
    domain: "smalltalk",
    context: { hour: 12, weekday: 1, boardState: "idle", adapterVersion: null },
    signals,
    satisfaction: satisfactionOf(signals),
    ...changes,
  };
}

export function interactions(count: number): Interaction[] {
  return Array.from({ length: count }, (_, n) => interaction(n));
}

export function signal(kind: SignalKind, correction: string | null = null, atMs = START_MS): Signal {
  return { kind, atMs, correction };
}
