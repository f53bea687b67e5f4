import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { AppError } from "../../core/errors.ts";
import type { BoardAccess } from "./ports.ts";

const COMMAND_MS = 2_000;
const execute = promisify(execFile);

/** This machine. */
export const thisMachine: BoardAccess = {
  sysDir: "/sys",
  procDir: "/proc",
  run: async (command, args) => (await execute(command, [...args], { timeout: COMMAND_MS, encoding: "utf8" })).stdout,
};

/** Text of a kernel file without its line end. @throws what reading throws; sensors of a rail that is off give EAGAIN. */
export async function readText(path: string): Promise<string> {
  return (await readFile(path, "utf8")).replaceAll("\0", "").trim();
}

/** A whole number in a kernel file. @throws AppError E_SENSOR_FAILED when it holds something else, or nothing. */
export async function readInteger(path: string): Promise<number> {
  const text = await readText(path);
  if (!/^-?\d+$/.test(text)) throw new AppError("E_SENSOR_FAILED", `${path} holds no number`);
  return Number(text);
}

/** As {@link readText}, or null when it cannot be read; for looking around, never for a reading. */
export async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readText(path);
  } catch {
    return null;
  }
}

/** Paths of the entries of a folder whose name fits, sorted; none when there is no such folder. */
export async function entriesOf(folder: string, pattern: RegExp): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => pattern.test(name));
    return names.sort().map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/**
 * Folders of the hardware monitors with one of these names. By name, since the numbers of /sys/class/hwmon follow the
 * order in which drivers came up.
 *
 * @see Linux Documentation/hwmon/sysfs-interface.rst
 */
export async function hwmonsNamed(sysDir: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await entriesOf(`${sysDir}/class/hwmon`, /^hwmon\d+$/)) {
    const name = await textOrNull(`${folder}/name`);
    if (name !== null && names.includes(name)) found.push(folder);
  }
  return found;
}
