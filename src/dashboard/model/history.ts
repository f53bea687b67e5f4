import type { PayloadOf } from "../../runtime/mqtt/topics.ts";
import { Fields } from "../wire.ts";

/** What is plotted of one device: columns of equal length. */
export interface History {
  /** Seconds since the epoch, rising. */
  readonly timesS: readonly number[];
  readonly tempC: readonly (number | null)[];
  readonly inputW: readonly (number | null)[];
  /** 0 to 100. */
  readonly dutyPct: readonly (number | null)[];
  /** Job whose loss curve it is; null = none seen. */
  readonly jobId: string | null;
  readonly steps: readonly number[];
  readonly losses: readonly (number | null)[];
}

export const NO_HISTORY: History = {
  timesS: [],
  tempC: [],
  inputW: [],
  dutyPct: [],
  jobId: null,
  steps: [],
  losses: [],
};

/** How far back the plots go. */
export const WINDOW_S = 3_600;
/** At one message in 5 s, an hour. */
const MAX_POINTS = 720;
const MAX_STEPS = 4_000;

/** The history after one message; the same object when it is not plotted. */
export function historyAfter(history: History, path: string, text: string, nowMs: number): History {
  if (path === "power") return withPower(history, text, nowMs / 1000);
  if (path === "training/metrics") return withStep(history, text);
  return history;
}

/** The columns up to now: power is published when it changes, so the last values still hold. */
export function upTo(history: History, nowMs: number): History {
  const last = history.timesS.length - 1;
  if (last < 0) return history;
  const nowS = Math.max(nowMs / 1000, (history.timesS[last] ?? 0) + 0.001);
  return {
    ...history,
    timesS: [...history.timesS, nowS],
    tempC: [...history.tempC, history.tempC[last] ?? null],
    inputW: [...history.inputW, history.inputW[last] ?? null],
    dutyPct: [...history.dutyPct, history.dutyPct[last] ?? null],
  };
}

/** The device went silent: the lines break here instead of joining what was never measured. */
export function withGap(history: History, nowMs: number): History {
  const last = history.timesS.at(-1);
  if (last === undefined) return history;
  return appended(history, Math.max(nowMs / 1000, last + 0.001), null, null, null);
}

function withPower(history: History, text: string, nowS: number): History {
  const fields = Fields.parse<PayloadOf<"power">>(text);
  if (fields === null) return history;
  const duty = fields.number("duty");
  const last = history.timesS.at(-1) ?? 0;
  // A plot needs rising times, whatever the clock of this machine does.
  const timeS = Math.max(nowS, last + 0.001);
  return appended(
    history,
    timeS,
    fields.number("soc_temp_c"),
    fields.number("input_w"),
    duty === null ? null : Math.round(duty * 100),
  );
}

function appended(
  history: History,
  timeS: number,
  tempC: number | null,
  inputW: number | null,
  dutyPct: number | null,
): History {
  const { timesS } = history;
  const tooOld = timesS.findIndex((each) => each >= timeS - WINDOW_S);
  const from = Math.max(tooOld < 0 ? timesS.length : tooOld, timesS.length + 1 - MAX_POINTS);
  return {
    ...history,
    timesS: [...timesS.slice(from), timeS],
    tempC: [...history.tempC.slice(from), tempC],
    inputW: [...history.inputW.slice(from), inputW],
    dutyPct: [...history.dutyPct.slice(from), dutyPct],
  };
}

/** A job may have several passes, each counting its steps from 1: they are drawn one after the other. */
function withStep(history: History, text: string): History {
  const fields = Fields.parse<PayloadOf<"training/metrics">>(text);
  const jobId = fields?.text("job") ?? null;
  const loss = fields?.number("loss") ?? null;
  if (fields === null || jobId === null || loss === null) return history;
  const isNew = jobId !== history.jobId;
  const steps = isNew ? [] : history.steps;
  const losses = isNew ? [] : history.losses;
  const from = Math.max(0, steps.length + 1 - MAX_STEPS);
  return {
    ...history,
    jobId,
    steps: [...steps.slice(from), (steps.at(-1) ?? 0) + 1],
    losses: [...losses.slice(from), loss],
  };
}
