import { account, type EnergyDay, IdlePower, NO_ENERGY, trainingPower, wattHours } from "./energy.ts";
import {
  budgetOf,
  decide,
  type GovernorBudget,
  type GovernorMode,
  type GovernorPolicy,
  type GovernorReason,
  INITIAL_STATE,
} from "./policy.ts";
import { DAY_S, dayEvents, dayPoint, type ThermalModel, warmed } from "./simulated-day.ts";
import type { TracePoint } from "./trace.ts";

/** One moment of a simulation. */
export interface SimulatedPoint {
  readonly atS: number;
  /** Null when the thermometer failed. */
  readonly socTempC: number | null;
  readonly budget: GovernorBudget;
}

export interface Simulation {
  readonly points: readonly SimulatedPoint[];
  /** Energy of training on all days, joules. */
  readonly trainingJ: number;
}

export interface SimulationSettings {
  readonly policy: GovernorPolicy;
  readonly mode: GovernorMode;
  readonly dailyWh: number | null;
  readonly wattsPerThread: number;
  /** Simulated time between two decisions, seconds. */
  readonly stepS: number;
}

/** The governor's own rules on simulated time, with a trainer that always has work. */
class SimulatedGovernor {
  readonly #settings: SimulationSettings;
  readonly #idle = new IdlePower();
  readonly points: SimulatedPoint[] = [];
  trainingJ = 0;
  #energy: EnergyDay = NO_ENERGY;
  #state = INITIAL_STATE;
  #budget: GovernorBudget = budgetOf(INITIAL_STATE, false);
  #turnEndS = Number.NEGATIVE_INFINITY;

  constructor(settings: SimulationSettings) {
    this.#settings = settings;
  }

  /** Books the time since the last step at the last budget, then decides anew. */
  step({ atS, sample, isUserActive }: TracePoint): GovernorBudget {
    const { policy, mode, dailyWh, wattsPerThread, stepS } = this.#settings;
    const elapsedMs = (atS - (this.points.at(-1)?.atS ?? atS)) * 1000;
    const inputW = sample.readings.inputPower?.watts ?? null;
    const isWorking = this.#budget.duty > 0;
    // The power is that of the time since the last step; a turn is neither idle nor training.
    if (!isWorking && this.#budget.reason !== "user_active" && inputW !== null) this.#idle.observe(inputW, elapsedMs);
    const power = trainingPower(inputW, this.#idle.watts, this.#budget, wattsPerThread);
    const day = `day ${String(Math.floor(atS / DAY_S)).padStart(6, "0")}`;
    const joules = isWorking ? (power.watts * elapsedMs) / 1000 : 0;
    this.trainingJ += joules;
    this.#energy = account(this.#energy, { day, elapsedMs, joules, source: power.source });
    if (isUserActive) this.#turnEndS = atS + stepS;
    const isEnergySpent = dailyWh !== null && wattHours(this.#energy) >= dailyWh;
    this.#state = decide(this.#state, { ...sample, mode, isEnergySpent }, policy, atS * 1000);
    this.#budget = budgetOf(this.#state, (atS - this.#turnEndS) * 1000 < policy.graceMs);
    this.points.push({ atS, socTempC: sample.readings.socTempC, budget: this.#budget });
    return this.#budget;
  }
}

/** Replays recorded readings. The temperatures are those of the recording, whatever the budget. */
export function replayTrace(trace: readonly TracePoint[], settings: SimulationSettings): Simulation {
  const governor = new SimulatedGovernor(settings);
  for (const [index, point] of trace.entries()) {
    const endS = trace[index + 1]?.atS ?? point.atS + settings.stepS;
    for (let atS = point.atS; atS < endS; atS += settings.stepS) governor.step({ ...point, atS });
  }
  return governor;
}

/** One invented day in closed loop: the budget heats the modelled board, and the board's temperature bounds the budget. */
export function simulateDay(model: ThermalModel, settings: SimulationSettings): Simulation {
  const governor = new SimulatedGovernor(settings);
  let tempC = dayEvents(0).ambientC + model.kPerW * model.idleW;
  let watts = model.idleW;
  for (let atS = 0; atS <= DAY_S; atS += settings.stepS) {
    const events = dayEvents(atS);
    tempC = warmed(model, tempC, events, watts, settings.stepS);
    const budget = governor.step(dayPoint(atS, events, tempC, watts));
    watts = model.idleW + (events.isUserActive ? model.turnW : 0) + budget.duty * budget.threads * model.wattsPerThread;
  }
  return governor;
}

export interface SimulationSummary {
  readonly simulatedS: number;
  /** Time at full speed that the training done is worth, seconds. */
  readonly trainedS: number;
  /** Highest temperature seen while training was allowed, °C; null when it never was. */
  readonly hottestTrainingC: number | null;
  readonly budgetChanges: number;
  readonly trainingWh: number;
  /** Seconds by the reason that bound the budget. */
  readonly secondsByReason: Readonly<Partial<Record<GovernorReason, number>>>;
}

export function summarise({ points, trainingJ }: Simulation): SimulationSummary {
  const seconds: Partial<Record<GovernorReason, number>> = {};
  let trainedS = 0;
  let hottest: number | null = null;
  let changes = 0;
  for (const [index, { atS, socTempC, budget }] of points.entries()) {
    const next = points[index + 1];
    const lastsS = (next?.atS ?? atS) - atS;
    seconds[budget.reason] = (seconds[budget.reason] ?? 0) + lastsS;
    trainedS += budget.duty * lastsS;
    if (budget.duty > 0 && socTempC !== null) hottest = Math.max(hottest ?? socTempC, socTempC);
    if (next !== undefined && next.budget.duty !== budget.duty) changes += 1;
  }
  return {
    simulatedS: (points.at(-1)?.atS ?? 0) - (points[0]?.atS ?? 0),
    trainedS: Math.round(trainedS),
    hottestTrainingC: hottest === null ? null : Math.floor(hottest * 10) / 10,
    budgetChanges: changes,
    trainingWh: Number((trainingJ / 3_600).toFixed(2)),
    secondsByReason: seconds,
  };
}
