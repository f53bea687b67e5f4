import type { Clock } from "../../core/clock.ts";
import { type AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { BoardSampler } from "../../sensors/board/board-sampler.ts";
import type { BoardSample } from "../../sensors/board/ports.ts";
import { account, type EnergyDay, IdlePower, localDay, sourceOf, trainingPower, wattHours } from "./energy.ts";
import { FRESH_MEMORY, type GovernorMemory, readGovernorFile, writeGovernorFile } from "./governor-file.ts";
import {
  budgetOf,
  decide,
  type GovernorBudget,
  type GovernorMode,
  type GovernorPolicy,
  type GovernorState,
  INITIAL_STATE,
} from "./policy.ts";

export interface GovernorSettings {
  readonly policy: GovernorPolicy;
  readonly mode: GovernorMode;
  /** Energy that training may take a day, Wh; null = no limit. */
  readonly dailyWh: number | null;
  /** Between two looks at the board, ms: without and with a trainer at work. */
  readonly intervalMs: number;
  readonly trainingIntervalMs: number;
  /** See energy.ts trainingPower. */
  readonly wattsPerThread: number;
  /** Where energy, mode and allowance are kept. */
  readonly filePath: string;
}

export interface GovernorDeps {
  readonly sampler: BoardSampler;
  readonly clock: Clock;
  readonly log: Logger;
  /** Raises (null: clears) a standing problem of the board. */
  readonly onProblem: (code: ErrorCode, message: string | null) => void;
}

/** Everything the governor knows and has decided, for status and MQTT. */
export interface GovernorStatus {
  readonly board: string | null;
  readonly mode: GovernorMode;
  readonly budget: GovernorBudget;
  readonly sample: BoardSample;
  readonly isTraining: boolean;
  readonly todayWh: number;
  readonly energySource: ReturnType<typeof sourceOf>;
  readonly dailyWh: number | null;
  /** Failed reads per probe since the start. */
  readonly failures: Readonly<Record<string, number>>;
}

interface Events {
  budget: GovernorBudget;
  status: GovernorStatus;
}

const NOTHING_READ: BoardSample = {
  readings: {
    socTempC: null,
    throttle: null,
    inputPower: null,
    isOnMains: null,
    battery: null,
    memory: null,
    cpuLoad: null,
  },
  failed: [],
};

/** Energy that a power cut may lose. Rarely, since each write wears the SD card. */
const WRITE_EVERY_MS = 600_000;

/**
 * Reads the board, decides how much training may use, and tells who asked.
 *
 * INVARIANTS: before the first reading the budget is 0. `userActive(true)` takes effect before it returns. One reading
 * at a time.
 */
export class GovernorService implements Service {
  readonly name = "governor";
  readonly #settings: GovernorSettings;
  readonly #deps: GovernorDeps;
  readonly #bus: EventBus<Events>;
  readonly #idle = new IdlePower();
  #memory: GovernorMemory = FRESH_MEMORY;
  #state: GovernorState = INITIAL_STATE;
  #sample = NOTHING_READ;
  #budget: GovernorBudget = budgetOf(INITIAL_STATE, false);
  #isUserActive = false;
  #isTraining = false;
  #hasSample = false;
  #countedAtMs: number | null = null;
  #writtenAtMs = 0;
  #cancelNext = () => {};
  #cancelGrace = () => {};
  readonly #problems = new Map<ErrorCode, string | null>();
  #round: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isStopped = true;

  constructor(settings: GovernorSettings, deps: GovernorDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#bus = new EventBus((event, error) => deps.log.error({ event, err: String(error) }, "handler failed"));
  }

  /** The latest; 0 before the first reading. */
  get budget(): GovernorBudget {
    return this.#budget;
  }

  get status(): GovernorStatus {
    return {
      board: this.#deps.sampler.backendName,
      mode: this.#mode,
      budget: this.#budget,
      sample: this.#sample,
      isTraining: this.#isTraining,
      todayWh: wattHours(this.#memory.energy),
      energySource: sourceOf(this.#memory.energy),
      dailyWh: this.#dailyWh,
      failures: Object.fromEntries(this.#deps.sampler.failures),
    };
  }

  /** Called on each change of the budget, at once. Returns the function that ends it. */
  onBudget(handler: (budget: GovernorBudget) => void): () => void {
    return this.#bus.on("budget", handler);
  }

  /** Called after each reading and each change. */
  onStatus(handler: (status: GovernorStatus) => void): () => void {
    return this.#bus.on("status", handler);
  }

  /** Reads the board once, so that a budget stands when this resolves. */
  async start(): Promise<void> {
    const { filePath } = this.#settings;
    this.#isStopped = false;
    try {
      this.#memory = await readGovernorFile(filePath);
    } catch (error) {
      this.#deps.log.warn({ code: codeOf(error) }, "the governor starts with an empty memory");
    }
    this.#writtenAtMs = this.#deps.clock.monotonicMs();
    await this.#look();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelNext();
    this.#cancelGrace();
    await this.#round;
    // Logged there; the service ends all the same.
    await this.#write().catch(() => {});
  }

  /** The user begins or ends a turn. Training stops now, and may go on `graceMs` after the turn. */
  userActive(isActive: boolean): void {
    this.#cancelGrace();
    if (isActive) {
      this.#count();
      this.#isUserActive = true;
      this.#publish();
      return;
    }
    this.#cancelGrace = this.#deps.clock.after(this.#settings.policy.graceMs, () => {
      this.#count();
      this.#isUserActive = false;
      this.#publish();
    });
  }

  /** A trainer begins or ceases to compute: the board is read more often, and its energy counts. */
  setTraining(isTraining: boolean): void {
    if (isTraining === this.#isTraining) return;
    this.#count();
    this.#isTraining = isTraining;
    if (!this.#isStopped && this.#round === null) this.#schedule();
  }

  /** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE: it holds all the same, until the next start. */
  async setMode(mode: GovernorMode): Promise<void> {
    this.#memory = { ...this.#memory, mode };
    this.#deps.log.info({ mode }, "governor mode set");
    this.#decide();
    await this.#write();
  }

  /** @param dailyWh null = no limit. @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE: it holds until the next start. */
  async setDailyWh(dailyWh: number | null): Promise<void> {
    this.#memory = { ...this.#memory, dailyWh };
    this.#deps.log.info({ daily_wh: dailyWh }, "energy allowance set");
    this.#decide();
    await this.#write();
  }

  /** Reads the board now, besides the regular looks; a look under way is waited for first. */
  async refresh(): Promise<void> {
    await this.#round;
    await this.#look();
  }

  get #mode(): GovernorMode {
    return this.#memory.mode ?? this.#settings.mode;
  }

  get #dailyWh(): number | null {
    return this.#memory.dailyWh === undefined ? this.#settings.dailyWh : this.#memory.dailyWh;
  }

  #schedule(): void {
    const { intervalMs, trainingIntervalMs } = this.#settings;
    this.#cancelNext();
    this.#cancelNext = this.#deps.clock.after(this.#isTraining ? trainingIntervalMs : intervalMs, () => {
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    this.#round ??= this.#lookOnce().finally(() => {
      this.#round = null;
      if (!this.#isStopped) this.#schedule();
    });
    await this.#round;
  }

  async #lookOnce(): Promise<void> {
    const { clock, sampler } = this.#deps;
    this.#sample = await sampler.sample();
    this.#hasSample = true;
    this.#count();
    this.#reportProblems();
    this.#decide();
    const nowMs = clock.monotonicMs();
    // Not waited for: a slow SD card must not delay the next look.
    if (nowMs - this.#writtenAtMs >= WRITE_EVERY_MS) this.#write().catch(() => {});
  }

  /** Books what training took since the last entry; before each change of what it takes. */
  #count(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const elapsedMs = this.#countedAtMs === null ? 0 : nowMs - this.#countedAtMs;
    this.#countedAtMs = nowMs;
    const inputW = this.#sample.readings.inputPower?.watts ?? null;
    const { wattsPerThread } = this.#settings;
    // A turn of the user takes all cores: it is no part of what the idle board takes.
    if (!this.#isTraining && !this.#isUserActive && inputW !== null) this.#idle.observe(inputW, elapsedMs);
    const isWorking = this.#isTraining && this.#budget.duty > 0;
    const { watts, source } = isWorking
      ? trainingPower(inputW, this.#idle.watts, this.#budget, wattsPerThread)
      : { watts: 0, source: "measured" as const };
    const energy: EnergyDay = account(this.#memory.energy, {
      day: localDay(this.#deps.clock.now()),
      elapsedMs,
      joules: (watts * elapsedMs) / 1000,
      source,
    });
    this.#memory = { ...this.#memory, energy };
  }

  #reportProblems(): void {
    const { failed, readings } = this.#sample;
    const isUnderVoltage = readings.throttle?.isUnderVoltage === true;
    this.#report("E_SENSOR_FAILED", failed.length === 0 ? null : `cannot read ${failed.join(", ")}`);
    this.#report("E_UNDER_VOLTAGE", isUnderVoltage ? "the supply voltage is below the board's limit" : null);
  }

  /** One call per change, not per look. */
  #report(code: ErrorCode, message: string | null): void {
    if ((this.#problems.get(code) ?? null) === message) return;
    this.#problems.set(code, message);
    this.#deps.onProblem(code, message);
  }

  #decide(): void {
    const { policy } = this.#settings;
    const dailyWh = this.#dailyWh;
    const isEnergySpent = dailyWh !== null && wattHours(this.#memory.energy) >= dailyWh;
    const inputs = { ...this.#sample, mode: this.#mode, isEnergySpent };
    if (this.#hasSample) this.#state = decide(this.#state, inputs, policy, this.#deps.clock.monotonicMs());
    this.#publish();
  }

  #publish(): void {
    const before = this.#budget;
    const budget = budgetOf(this.#state, this.#isUserActive);
    const isSame = (["duty", "threads", "reason", "releaseMemory"] as const).every(
      (key) => budget[key] === before[key],
    );
    if (!isSame) {
      this.#budget = budget;
      const { duty, threads, reason } = budget;
      // A turn of the user is no news; it would be two lines each.
      const level = reason === "user_active" || before.reason === "user_active" ? "debug" : "info";
      this.#deps.log[level](
        { duty, threads, reason, temp_c: this.#sample.readings.socTempC },
        "training budget changed",
      );
      this.#bus.emit("budget", budget);
    }
    this.#bus.emit("status", this.status);
  }

  /** One write at a time, in order, each of what is known when it begins. */
  async #write(): Promise<void> {
    this.#writtenAtMs = this.#deps.clock.monotonicMs();
    const write = this.#writing.then(() => writeGovernorFile(this.#settings.filePath, this.#memory));
    this.#writing = write.catch(() => {});
    try {
      await write;
    } catch (error) {
      this.#deps.log.warn({ code: codeOf(error) }, "the governor's memory was not saved");
      throw error;
    }
  }
}

function codeOf(error: unknown): AppError["code"] {
  return isAppError(error) ? error.code : "E_INTERNAL";
}
