import { type Device, unknownDevice } from "./device.ts";
import { deviceAfter } from "./device-reducer.ts";

/** What one row of the fleet table shows; sorted and filtered by. */
export interface FleetRow {
  readonly id: string;
  readonly board: string;
  /** `offline` for a device that is not there. */
  readonly phase: string;
  readonly tempC: number | null;
  readonly inputW: number | null;
  readonly dutyPct: number | null;
  readonly training: string;
  readonly progressPct: number | null;
  readonly adapter: string;
  readonly alerts: number;
  readonly firstAlert: string;
  readonly version: string;
}

export type FleetColumn = Exclude<keyof FleetRow, "progressPct" | "firstAlert">;

export interface FleetQuery {
  /** Part of id, board, version, adapter or an alert; case does not matter. */
  readonly text: string;
  /** "" = every phase. */
  readonly phase: string;
  readonly onlyAlerts: boolean;
  readonly sortBy: FleetColumn;
  readonly isDescending: boolean;
}

export const FIRST_QUERY: FleetQuery = { text: "", phase: "", onlyAlerts: false, sortBy: "alerts", isDescending: true };

/** Every device that was heard of. Mutable, so that a thousand devices do not mean a thousand copies a second. */
export class Fleet {
  readonly #devices = new Map<string, Device>();
  readonly #rows = new Map<string, FleetRow>();

  get size(): number {
    return this.#devices.size;
  }

  device(id: string): Device | null {
    return this.#devices.get(id) ?? null;
  }

  accept(id: string, path: string, text: string, nowMs: number): void {
    const before = this.#devices.get(id) ?? unknownDevice(id);
    const after = deviceAfter(before, path, text, nowMs);
    if (isNothingKnown(after)) {
      this.#devices.delete(id);
      this.#rows.delete(id);
      return;
    }
    this.#devices.set(id, after);
    this.#rows.delete(id);
  }

  clear(): void {
    this.#devices.clear();
    this.#rows.clear();
  }

  /** Rows that the query asks for, in its order; rows of unchanged devices are the same objects as before. */
  rows(query: FleetQuery): FleetRow[] {
    const rows: FleetRow[] = [];
    for (const [id, device] of this.#devices) {
      const row = this.#rows.get(id) ?? rowOf(device);
      this.#rows.set(id, row);
      if (isWanted(row, query)) rows.push(row);
    }
    return rows.sort(comparison(query));
  }

  /** Devices a phase, for the filter's list. */
  phases(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [id, device] of this.#devices) {
      const { phase } = this.#rows.get(id) ?? rowOf(device);
      counts.set(phase, (counts.get(phase) ?? 0) + 1);
    }
    return counts;
  }
}

/** All its retained topics were deleted: it was taken out of the fleet. */
function isNothingKnown({ isOnline, info, state, power, training }: Device): boolean {
  return isOnline === null && info === null && state === null && power === null && training === null;
}

function rowOf({ id, isOnline, info, state, power, training, adapter, alerts }: Device): FleetRow {
  return {
    id,
    board: info?.board ?? "",
    phase: isOnline === true ? (state?.phase ?? "unknown") : isOnline === false ? "offline" : "unknown",
    tempC: power?.socTempC ?? null,
    inputW: power?.inputW ?? null,
    dutyPct: power?.duty == null ? null : Math.round(power.duty * 100),
    training: training?.state ?? "",
    progressPct: training?.progressPct ?? null,
    adapter: adapter?.installed ?? "",
    alerts: alerts.size,
    firstAlert: alerts.values().next().value?.message ?? "",
    version: info?.version ?? "",
  };
}

function isWanted(row: FleetRow, { text, phase, onlyAlerts }: FleetQuery): boolean {
  if (phase !== "" && row.phase !== phase) return false;
  if (onlyAlerts && row.alerts === 0) return false;
  const sought = text.trim().toLowerCase();
  if (sought === "") return true;
  return [row.id, row.board, row.version, row.adapter, row.firstAlert].some((each) =>
    each.toLowerCase().includes(sought),
  );
}

/** What nobody measured comes last, in both directions; equal rows are ordered by id, so that none of them jumps. */
function comparison({ sortBy, isDescending }: FleetQuery): (a: FleetRow, b: FleetRow) => number {
  const sign = isDescending ? -1 : 1;
  return (a, b) => {
    const [left, right] = [a[sortBy], b[sortBy]];
    const byId = a.id < b.id ? -1 : 1;
    if (left === right) return byId;
    if (left === null || left === "") return 1;
    if (right === null || right === "") return -1;
    return left < right ? -sign : sign;
  };
}
