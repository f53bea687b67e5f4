import { AppError } from "../../core/errors.ts";
import type { BoardSample, ProbeName } from "../../sensors/board/ports.ts";

/** One moment of a recorded or invented day; it holds until the next one. */
export interface TracePoint {
  readonly atS: number;
  readonly sample: BoardSample;
  readonly isUserActive: boolean;
}

/** Columns of a trace file and the probe that each belongs to. */
const COLUMNS: Readonly<Record<string, ProbeName | null>> = {
  time_s: null,
  soc_temp_c: "temperature",
  input_w: "power",
  mains: "mains",
  battery_pct: "battery",
  memory_pressure_pct: "memory",
  under_voltage: "throttle",
  slowed: "throttle",
  user_active: null,
};

/** Names of the columns, for help texts. */
export const TRACE_COLUMNS: readonly string[] = Object.keys(COLUMNS);

/**
 * Reads a trace: comma-separated, the first line names the columns, of which only `time_s` (seconds, rising) must be
 * there. A missing column is a board without that sensor; an empty cell is a reading that failed. Yes and no are 1 and 0.
 *
 * @throws AppError E_DATA_INVALID naming the line.
 */
export function parseTrace(csv: string): TracePoint[] {
  const [header = "", ...lines] = csv.split(/\r?\n/).filter((line) => line.trim() !== "");
  const columns = header.split(",").map((name) => name.trim());
  const unknown = columns.find((name) => !Object.hasOwn(COLUMNS, name));
  if (unknown !== undefined || !columns.includes("time_s")) {
    throw invalid(1, `columns are time_s and any of ${TRACE_COLUMNS.slice(1).join(", ")}`);
  }
  const points: TracePoint[] = [];
  for (const [index, line] of lines.entries()) {
    const point = parsePoint(columns, line, index + 2);
    const before = points.at(-1);
    if (before !== undefined && point.atS <= before.atS) throw invalid(index + 2, "time_s must rise");
    points.push(point);
  }
  if (points.length === 0) throw invalid(2, "there is no reading");
  return points;
}

function parsePoint(columns: readonly string[], line: string, lineNumber: number): TracePoint {
  const cells = line.split(",").map((cell) => cell.trim());
  if (cells.length !== columns.length) throw invalid(lineNumber, `${columns.length} cells are needed`);
  const failed = new Set<ProbeName>();
  const values = new Map<string, number>();
  for (const [index, name] of columns.entries()) {
    const cell = cells[index] ?? "";
    const probe = COLUMNS[name] ?? null;
    if (cell === "" && probe !== null) failed.add(probe);
    else if (/^-?\d+(\.\d+)?$/.test(cell)) values.set(name, Number(cell));
    else throw invalid(lineNumber, `${name} is no number`);
  }
  const value = (name: string) => values.get(name) ?? null;
  const flag = (name: string) => (values.has(name) ? value(name) !== 0 : null);
  const watts = value("input_w");
  const percent = value("battery_pct");
  const pressurePct = value("memory_pressure_pct");
  const [isUnderVoltage, isSlowed] = [flag("under_voltage"), flag("slowed")];
  return {
    atS: value("time_s") ?? 0,
    isUserActive: flag("user_active") === true,
    sample: {
      failed: [...failed],
      readings: {
        socTempC: value("soc_temp_c"),
        throttle:
          isUnderVoltage === null && isSlowed === null
            ? null
            : { isUnderVoltage: isUnderVoltage === true, isSlowed: isSlowed === true },
        inputPower: watts === null ? null : { watts, scope: "board" },
        isOnMains: flag("mains"),
        battery: percent === null ? null : { percent, isDischarging: flag("mains") === false },
        memory: pressurePct === null ? null : { pressurePct, availableMb: Number.MAX_SAFE_INTEGER },
        cpuLoad: null,
      },
    },
  };
}

function invalid(line: number, what: string): AppError {
  return new AppError("E_DATA_INVALID", `line ${line} of the trace: ${what}`, { hint: "Correct the trace file." });
}
