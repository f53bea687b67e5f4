import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { isEnoent } from "../../core/errors.ts";
import { deviceIdFrom, randomId } from "../../core/ids.ts";

/**
 * The device's public id, 12 hex digits: one-way from the machine id, so that it survives an erased state folder; on a
 * machine without one, from a random seed kept in `stateDir`. A virtual board gets an id of its own.
 */
export async function readDeviceId(
  stateDir: string,
  board: string,
  machineIdFile = "/etc/machine-id",
): Promise<string> {
  return deviceIdFrom(`${board === "virtual" ? "virtual:" : ""}${await seed(stateDir, machineIdFile)}`);
}

async function seed(stateDir: string, machineIdFile: string): Promise<string> {
  const machineId = await readIfThere(machineIdFile);
  if (machineId !== "") return machineId;
  const file = join(stateDir, "device-seed");
  const kept = await readIfThere(file);
  if (kept !== "") return kept;
  const fresh = randomId("d");
  await writeFileAtomic(file, fresh);
  return fresh;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isEnoent(error)) return "";
    throw error;
  }
}
