import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { ControlHandlers } from "../control/control-server.ts";
import type { GovernorService, GovernorStatus } from "../governor/governor-service.ts";
import { Pace } from "../mqtt/pace.ts";
import type { GOVERNOR_LEVELS, PowerPayload } from "../mqtt/payloads.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import type { StatusPublisher } from "../mqtt/status-publisher.ts";
import { PUBLISHED } from "../mqtt/topics.ts";
import type { ServiceParts } from "./service-parts.ts";

type GovernorMethod =
  | "governorStatus"
  | "governorMode"
  | "governorBudget"
  | "setTempC"
  | "setInputW"
  | "setMains"
  | "setBattery"
  | "setMemoryPressure"
  | "setThrottle";

/** The governor and the virtual board's sensors on the control socket. */
export function governorControls({ governor, virtualSensors }: ServiceParts): Pick<ControlHandlers, GovernorMethod> {
  const sensors = () => {
    if (virtualSensors === null) throw new AppError("E_VIRTUAL_ONLY", "this board has real sensors");
    return virtualSensors;
  };
  return {
    governorStatus: async () => governor.status,
    governorMode: async ({ mode }) => {
      await governor.setMode(mode);
      return governor.status;
    },
    governorBudget: async ({ dailyWh }) => {
      await governor.setDailyWh(dailyWh);
      return governor.status;
    },
    setTempC: async ({ celsius }) => sensors().set({ socTempC: celsius }),
    setInputW: async ({ watts }) => sensors().set({ inputPower: watts === null ? null : { watts, scope: "board" } }),
    setMains: async ({ mains }) => sensors().set({ isOnMains: mains }),
    setBattery: async ({ percent }) =>
      sensors().set({ battery: percent === null ? null : { percent, isDischarging: true } }),
    setMemoryPressure: async ({ percent }) =>
      sensors().set({ memory: percent === null ? null : { pressurePct: percent, availableMb: 4_096 } }),
    setThrottle: async ({ state }) => sensors().set({ throttle: state }),
  };
}

/** The governor's requests over MQTT. */
export function governorRequests({
  governor,
}: ServiceParts): Pick<RequestHandlers, "power/set_mode" | "power/set_budget"> {
  return {
    "power/set_mode": async ({ mode }) => {
      await governor.setMode(mode);
      return { mode };
    },
    "power/set_budget": async ({ dailyWh }) => {
      await governor.setDailyWh(dailyWh);
      return { dailyWh };
    },
  };
}

interface PowerParts {
  readonly governor: Pick<GovernorService, "onStatus" | "status">;
  readonly publisher: Pick<StatusPublisher, "publish">;
  readonly clock: Clock;
}

/** Publishes the `power` topic: at once when it was quiet for 5 s, else when those are over. Returns what stops it. */
export function publishPower({ governor, publisher, clock }: PowerParts): () => void {
  const pace = new Pace(clock, PUBLISHED.power.everyMs, () =>
    publisher.publish("power", powerPayloadOf(governor.status)),
  );
  let last = "";
  const stop = governor.onStatus((status) => {
    const now = JSON.stringify(powerPayloadOf(status));
    if (now === last) return;
    last = now;
    pace.wish();
  });
  return () => {
    stop();
    pace.stop();
  };
}

/** Rounded to what a person would notice, so that sensors that tremble do not publish all day. */
function powerPayloadOf({
  sample,
  budget,
  mode,
  isTraining,
  todayWh,
  dailyWh,
  energySource,
}: GovernorStatus): PowerPayload {
  const { socTempC, inputPower, isOnMains, battery, throttle, memory, cpuLoad } = sample.readings;
  return {
    governor: levelOf(budget.duty),
    mode,
    duty: budget.duty,
    threads: budget.threads,
    reason: budget.reason,
    training: isTraining,
    socTempC: rounded(socTempC, 1),
    inputW: rounded(inputPower?.watts, 0.5),
    mains: isOnMains,
    batteryPct: rounded(battery?.percent, 1),
    underVoltage: throttle?.isUnderVoltage ?? null,
    slowed: throttle?.isSlowed ?? null,
    memoryPressurePct: rounded(memory?.pressurePct, 1),
    load: rounded(cpuLoad, 0.1),
    todayWh: rounded(todayWh, 0.1) ?? 0,
    dailyWh,
    energySource,
    failed: [...sample.failed],
  };
}

/** A duty in a word. */
function levelOf(duty: number): (typeof GOVERNOR_LEVELS)[number] {
  if (duty <= 0) return "paused";
  if (duty < 0.5) return "minimal";
  return duty < 1 ? "reduced" : "full";
}

function rounded(value: number | null | undefined, step: number): number | null {
  return value === null || value === undefined ? null : Number((Math.round(value / step) * step).toFixed(1));
}
