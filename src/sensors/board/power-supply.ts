import { AppError } from "../../core/errors.ts";
import { entriesOf, readInteger, readText, textOrNull } from "./board-access.ts";
import type { BatteryReading, BoardProbes } from "./ports.ts";

/**
 * Probes of the mains supplies and the batteries that feed this board, by `type`. Batteries of devices beside it (a
 * mouse: scope `Device`) are not counted.
 *
 * Without a mains driver, a battery tells: unless it discharges, something feeds the board.
 *
 * @see Linux Documentation/ABI/testing/sysfs-class-power (type, online, status, capacity, scope)
 */
export async function findSupplies(sysDir: string): Promise<Pick<BoardProbes, "mains" | "battery">> {
  const mains: string[] = [];
  const batteries: string[] = [];
  for (const folder of await entriesOf(`${sysDir}/class/power_supply`, /./)) {
    if ((await textOrNull(`${folder}/scope`)) === "Device") continue;
    const type = await textOrNull(`${folder}/type`);
    if (type === "Battery" || type === "UPS") batteries.push(folder);
    // USB ports of a laptop are supplies, too: they count only where they say whether they feed it.
    else if ((type === "Mains" || type === "USB") && (await textOrNull(`${folder}/online`)) !== null)
      mains.push(folder);
  }
  return {
    ...(mains.length > 0 && { mains: () => isAnyOnline(mains) }),
    ...(batteries.length > 0 && { battery: () => emptiest(batteries) }),
    ...(mains.length === 0 &&
      batteries.length > 0 && { mains: async () => !(await emptiest(batteries)).isDischarging }),
  };
}

/** online: 0 offline, 1 fixed, 2 programmable. */
async function isAnyOnline(folders: readonly string[]): Promise<boolean> {
  const online = await Promise.all(folders.map((folder) => readInteger(`${folder}/online`)));
  return online.some((value) => value > 0);
}

async function emptiest(folders: readonly string[]): Promise<BatteryReading> {
  const readings = await Promise.all(folders.map(batteryIn));
  const percent = Math.min(...readings.map((reading) => reading.percent));
  return { percent, isDischarging: readings.some((reading) => reading.isDischarging) };
}

async function batteryIn(folder: string): Promise<BatteryReading> {
  const [percent, status] = await Promise.all([readInteger(`${folder}/capacity`), readText(`${folder}/status`)]);
  if (percent < 0 || percent > 100) throw new AppError("E_SENSOR_FAILED", `${folder} gives a charge that cannot be`);
  return { percent, isDischarging: status === "Discharging" };
}
