import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { LoadedConfig } from "../runtime/config/load-config.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { GovernorService, type GovernorSettings } from "../runtime/governor/governor-service.ts";
import type { Alerts } from "../runtime/service/alerts.ts";
import { boardBackends } from "../sensors/board/board-backends.ts";
import { BoardSampler } from "../sensors/board/board-sampler.ts";
import { VirtualBoardBackend } from "../sensors/board/virtual-board-backend.ts";

/** The governor of this board. */
export interface GovernorMade {
  readonly governor: GovernorService;
  /** Null on a real board. */
  readonly virtualSensors: VirtualBoardBackend | null;
}

export interface BoardTime {
  readonly clock: Clock;
  /** Sensors are given this much of it to answer, whatever the board's clock does. */
  readonly machineTime: Clock;
}

/** The board's own sensors; on the virtual board those that `virtual.*` describes. */
export function makeGovernor(
  { config, board }: LoadedConfig,
  alerts: Alerts,
  time: BoardTime,
  log: Logger,
): GovernorMade {
  const virtualSensors = board.name === "virtual" ? virtualSensorsOf(config.virtual) : null;
  const { clock, machineTime } = time;
  const backends = virtualSensors === null ? boardBackends(machineTime) : [virtualSensors];
  const sampler = new BoardSampler(backends, machineTime);
  const governor = new GovernorService(governorSettings(config), {
    sampler,
    clock,
    log: log.child({ part: "governor" }),
    onProblem: (code, message) => (message === null ? alerts.clear(code) : alerts.raise(code, message)),
  });
  return { governor, virtualSensors };
}

function governorSettings({ governor, paths }: AslsConfig): GovernorSettings {
  const { mode, dailyWh, intervalMs, trainingIntervalMs, wattsPerThread, ...limits } = governor;
  return {
    policy: { ...limits, cores: availableParallelism() },
    mode,
    dailyWh,
    intervalMs,
    trainingIntervalMs,
    wattsPerThread,
    filePath: join(paths.stateDir, "governor.json"),
  };
}

function virtualSensorsOf({ socTempC, mains, batteryPct }: AslsConfig["virtual"]): VirtualBoardBackend {
  return new VirtualBoardBackend({
    socTempC,
    isOnMains: mains,
    battery: batteryPct === null ? undefined : { percent: batteryPct, isDischarging: !mains },
  });
}
