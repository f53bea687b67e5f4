import type { PayloadOf } from "../../runtime/mqtt/topics.ts";

/** What this page knows of one device, from what it published. Null = it has not said. */
export interface Device {
  readonly id: string;
  /** What the broker or the device says; null before anything came. */
  readonly isOnline: boolean | null;
  readonly info: DeviceInfo | null;
  readonly state: DeviceState | null;
  readonly power: Power | null;
  readonly training: Training | null;
  readonly adapter: Adapter | null;
  readonly turn: Turn | null;
  readonly health: Health | null;
  readonly safety: Safety | null;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** By code; the oldest first. */
  readonly alerts: ReadonlyMap<string, Alert>;
  /** Newest first, at most {@link MAX_ACTIVITIES}. */
  readonly activities: readonly Activity[];
}

export interface DeviceInfo {
  readonly version: string | null;
  readonly board: string | null;
  readonly node: string | null;
  readonly model: string | null;
  readonly capabilities: readonly string[];
  readonly logLevel: string | null;
  readonly restartRequired: boolean;
}

export interface DeviceState {
  readonly phase: string;
  readonly sinceMs: number | null;
  readonly fault: string | null;
  readonly isMuted: boolean | null;
  readonly isLearning: boolean | null;
  readonly profileId: string | null;
}

export interface Power {
  readonly mode: string | null;
  readonly level: string | null;
  readonly duty: number | null;
  readonly threads: number | null;
  readonly reason: string | null;
  readonly isTraining: boolean;
  readonly socTempC: number | null;
  readonly inputW: number | null;
  readonly isOnMains: boolean | null;
  readonly batteryPct: number | null;
  readonly todayWh: number | null;
  readonly dailyWh: number | null;
  readonly energySource: string | null;
  readonly failedProbes: readonly string[];
}

export interface Training {
  readonly jobId: string | null;
  readonly state: string;
  readonly kind: string | null;
  readonly progressPct: number | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly loss: number | null;
  readonly etaS: number | null;
  /** What holds the running job back. */
  readonly hold: string | null;
  readonly examples: number | null;
  readonly newInteractions: number | null;
  readonly isEligible: boolean;
  /** What stands in the way of the next job. */
  readonly reasons: readonly string[];
  readonly failure: string | null;
}

export interface Gate {
  readonly baseLoss: number | null;
  readonly candidateLoss: number | null;
  readonly generalRisePct: number | null;
  readonly hasPassed: boolean;
  readonly reasons: readonly string[];
}

export interface AdapterVersion {
  readonly version: string;
  readonly state: string;
  readonly kind: string | null;
  readonly createdAtMs: number | null;
  readonly examples: number | null;
  readonly isUsable: boolean;
  readonly gate: Gate | null;
}

export interface Adapter {
  /** Null = none: the model alone answers. */
  readonly installed: string | null;
  readonly rollback: string | null;
  readonly gate: Gate | null;
  /** Newest first. */
  readonly versions: readonly AdapterVersion[];
}

export interface Turn {
  readonly atMs: number | null;
  readonly modality: string | null;
  readonly outcome: string | null;
  readonly sttMs: number | null;
  readonly contextMs: number | null;
  readonly firstTokenMs: number | null;
  readonly firstSentenceMs: number | null;
  readonly ttsMs: number | null;
  readonly firstAudioMs: number | null;
  readonly totalMs: number | null;
}

export interface Health {
  /** Reckoned from its age when the message came; this machine's clock. */
  readonly startedAtMs: number | null;
  readonly rssMb: number | null;
  readonly loopLagMs: number | null;
  readonly diskFreeMb: number | null;
  readonly dropped: number | null;
  readonly trainerRestarts: number | null;
}

/** What the device's own probes say about the fairness and safety of its adapters. */
export interface Safety {
  readonly probed: number | null;
  readonly refused: number | null;
  /** Of the version that answers. */
  readonly installed: ProbedVersion | null;
  readonly last: ProbedVersion | null;
}

export interface ProbedVersion {
  readonly version: string;
  readonly atMs: number | null;
  readonly hasPassed: boolean;
  readonly reasons: readonly string[];
  readonly identity: SafetyFigure | null;
  readonly agreement: SafetyFigure | null;
  readonly refusal: SafetyFigure | null;
}

/** Nats a token; a version whose drift is above the bound is refused. */
export interface SafetyFigure {
  readonly base: number | null;
  readonly candidate: number | null;
  readonly drift: number | null;
  readonly bound: number | null;
}

export interface Profile {
  readonly isActive: boolean;
  readonly consent: PayloadOf<"profile">["consent"];
  readonly examples: number | null;
  readonly adapterVersion: string | null;
  readonly trainedAtMs: number | null;
  readonly up: number | null;
  readonly down: number | null;
  readonly corrections: number | null;
}

export interface Alert {
  readonly code: string;
  readonly sinceMs: number | null;
  readonly message: string;
  readonly hint: string;
}

export interface Activity {
  readonly atMs: number;
  readonly kind: "interaction" | "training" | "button" | "log";
  readonly word: string;
  readonly latencyMs: number | null;
}

export const MAX_ACTIVITIES = 30;

/** A device of which nothing is known yet. */
export function unknownDevice(id: string): Device {
  return {
    id,
    isOnline: null,
    info: null,
    state: null,
    power: null,
    training: null,
    adapter: null,
    turn: null,
    health: null,
    safety: null,
    profiles: new Map(),
    alerts: new Map(),
    activities: [],
  };
}

/** The profile that is being served now, or null. */
export function activeProfile({ profiles, state }: Device): Profile | null {
  const named = state?.profileId == null ? undefined : profiles.get(state.profileId);
  return named ?? [...profiles.values()].find(({ isActive }) => isActive) ?? null;
}

/** What to call it in a heading: its board and the beginning of its id. */
export function deviceName({ id, info }: Device, boardWords: Readonly<Record<string, string>>): string {
  const board = info?.board == null ? "Device" : (boardWords[info.board] ?? info.board);
  return `${board} ${id.slice(0, 6)}`;
}
