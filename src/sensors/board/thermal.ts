import { AppError } from "../../core/errors.ts";
import { entriesOf, hwmonsNamed, readInteger, textOrNull } from "./board-access.ts";

/** Nothing that works is colder or hotter: a value outside is a broken sensor. */
const PLAUSIBLE_C = { min: -40, max: 150 } as const;

/** A source of temperatures, m°C. */
interface TemperatureFile {
  readonly path: string;
  /** False: its rail may be off, so that a read that fails says nothing. */
  readonly mustRead: boolean;
}

export interface ThermalZones {
  /** Zone types without which the board's temperature is unknown. */
  readonly required: RegExp;
  /** Zone types that count when they can be read. */
  readonly optional?: RegExp;
  /** Hardware monitors to use besides, all of their `temp*_input`. */
  readonly hwmonNames?: readonly string[];
}

/**
 * A reader of the hottest of these sensors, °C, or null when the board has none of the required ones. Zones are chosen by
 * `type`: a battery's driver registers a zone of its own, so that zone 0 need not be the processor.
 *
 * @see Linux Documentation/driver-api/thermal/sysfs-api.rst (temp in m°C)
 */
export async function findThermometer(sysDir: string, zones: ThermalZones): Promise<(() => Promise<number>) | null> {
  const files: TemperatureFile[] = [];
  for (const folder of await entriesOf(`${sysDir}/class/thermal`, /^thermal_zone\d+$/)) {
    const type = (await textOrNull(`${folder}/type`)) ?? "";
    if (zones.required.test(type)) files.push({ path: `${folder}/temp`, mustRead: true });
    else if (zones.optional?.test(type)) files.push({ path: `${folder}/temp`, mustRead: false });
  }
  for (const folder of await hwmonsNamed(sysDir, zones.hwmonNames ?? [])) {
    for (const path of await entriesOf(folder, /^temp\d+_input$/)) files.push({ path, mustRead: true });
  }
  if (!files.some(({ mustRead }) => mustRead)) return null;
  return () => hottest(files);
}

async function hottest(files: readonly TemperatureFile[]): Promise<number> {
  const values = await Promise.all(
    files.map(async ({ path, mustRead }) => {
      try {
        return await celsius(path);
      } catch (error) {
        if (mustRead) throw error;
        return null;
      }
    }),
  );
  return Math.max(...values.filter((value) => value !== null));
}

async function celsius(path: string): Promise<number> {
  const value = (await readInteger(path)) / 1000;
  if (value < PLAUSIBLE_C.min || value > PLAUSIBLE_C.max) {
    throw new AppError("E_SENSOR_FAILED", `${path} gives a temperature that cannot be`);
  }
  return value;
}
