import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { AppError, isEnoent } from "../../core/errors.ts";
import { type EnergyDay, NO_ENERGY } from "./energy.ts";
import { GOVERNOR_MODES, type GovernorMode } from "./policy.ts";

/** What the governor remembers over a restart. */
export interface GovernorMemory {
  readonly energy: EnergyDay;
  /** Set by a command or over MQTT; null: as configured. */
  readonly mode: GovernorMode | null;
  /** Undefined: as configured; null: no limit. */
  readonly dailyWh: number | null | undefined;
}

export const FRESH_MEMORY: GovernorMemory = { energy: NO_ENERGY, mode: null, dailyWh: undefined };

const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const fileSchema = v.strictObject({
  v: v.literal(1),
  energy: v.strictObject({
    day: v.nullable(v.pipe(v.string(), v.isoDate())),
    measuredJ: amount,
    estimatedJ: amount,
    countedMs: amount,
  }),
  mode: v.nullable(v.picklist(GOVERNOR_MODES)),
  dailyWh: v.optional(v.nullable(amount)),
});

/**
 * Reads the governor's file. There is none on a new device.
 * @throws AppError E_FILE_UNREADABLE also for a file with other content; the caller goes on with {@link FRESH_MEMORY}.
 */
export async function readGovernorFile(path: string): Promise<GovernorMemory> {
  try {
    const { energy, mode, dailyWh } = v.parse(fileSchema, JSON.parse(await readFile(path, "utf8")));
    return { energy, mode, dailyWh };
  } catch (error) {
    if (isEnoent(error)) return FRESH_MEMORY;
    throw new AppError("E_FILE_UNREADABLE", `the governor's file ${path} is damaged`, { cause: error });
  }
}

/** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
export async function writeGovernorFile(path: string, memory: GovernorMemory): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ v: 1, ...memory })}\n`);
}
