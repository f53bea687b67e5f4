/** What is read of a board. A board has some of them; the sampler says which ones failed. */
export const PROBE_NAMES = ["temperature", "throttle", "power", "mains", "battery", "memory", "load"] as const;
export type ProbeName = (typeof PROBE_NAMES)[number];

/** What the board's own protection does at this moment. */
export interface ThrottleState {
  /** The supply is too weak: the voltage fell below the board's limit. */
  readonly isUnderVoltage: boolean;
  /** The hardware or its firmware slows the processor down, for heat or for current. */
  readonly isSlowed: boolean;
}

export interface PowerReading {
  readonly watts: number;
  /** `board`: everything the board takes; `partial`: only the rails that can be measured, so the truth is higher. */
  readonly scope: "board" | "partial";
}

export interface BatteryReading {
  /** Charge, [0, 100]. */
  readonly percent: number;
  readonly isDischarging: boolean;
}

export interface MemoryReading {
  /** Share of the last 10 s in which at least one task waited for memory, per cent; null on a kernel without PSI. */
  readonly pressurePct: number | null;
  readonly availableMb: number;
}

/** The latest state of a board. Null: the probe failed, or the board has none (see {@link BoardSample.failed}). */
export interface BoardReadings {
  /** The hottest of the zones that count, °C. */
  readonly socTempC: number | null;
  readonly throttle: ThrottleState | null;
  readonly inputPower: PowerReading | null;
  /** True while any outside supply feeds the board. */
  readonly isOnMains: boolean | null;
  readonly battery: BatteryReading | null;
  readonly memory: MemoryReading | null;
  /** Share of all processors that was busy since the last sample, [0, 1]; null in the first one. */
  readonly cpuLoad: number | null;
}

/** One look at the board. */
export interface BoardSample {
  readonly readings: BoardReadings;
  /** Probes that this board has and that gave no value. Their readings are null and must count as unsafe. */
  readonly failed: readonly ProbeName[];
}

/** Resolves to null when there is nothing to tell yet; rejects when the sensor fails. */
type Probe<T> = () => Promise<T | null>;

/** What a backend found on this board. An absent member is a thing that this board cannot tell. */
export interface BoardProbes {
  /** °C. */
  readonly temperature?: Probe<number>;
  readonly throttle?: Probe<ThrottleState>;
  readonly power?: Probe<PowerReading>;
  readonly mains?: Probe<boolean>;
  readonly battery?: Probe<BatteryReading>;
  readonly memory?: Probe<MemoryReading>;
  readonly load?: Probe<number>;
}

/** How one kind of board is read. */
export interface BoardBackend {
  readonly name: string;
  /** True when this machine is of that kind. Never throws. */
  matches(): Promise<boolean>;
  /**
   * Looks for everything the board can tell; called again when something is missing or fails, since drivers load late
   * and their numbers change. Never throws; each probe it returns may.
   */
  discover(): Promise<BoardProbes>;
}

/** Folders and commands through which a board is seen; a test gives a tree of its own. */
export interface BoardAccess {
  /** Normally `/sys`. */
  readonly sysDir: string;
  /** Normally `/proc`. */
  readonly procDir: string;
  /** Standard output of a command. Rejects when it is missing, fails or takes longer than 2 s. */
  run(command: string, args: readonly string[]): Promise<string>;
}
