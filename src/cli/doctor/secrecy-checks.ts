import { readFile, realpath, statfs } from "node:fs/promises";
import { basename } from "node:path";
import { isEnoent } from "../../core/errors.ts";
import type { Check } from "./check.ts";

/** statfs types of file systems that live in memory: tmpfs, ramfs (linux/magic.h). */
const IN_MEMORY = [0x01021994, 0x858458f6];

/** What could carry keys and opened adapters out of memory: swap, a runtime folder on disk, core dumps. */
export function secrecyChecks(runtimeDir: string): Check[] {
  return [
    { part: "swap", look: checkSwap },
    { part: "runtime", look: () => checkRuntimeFolder(runtimeDir) },
    { part: "core dumps", look: async () => coreDumpFinding(await readText("/proc/sys/kernel/core_pattern")) },
  ];
}

async function checkSwap() {
  const areas = swapAreas(await readText("/proc/swaps"));
  const plain = [];
  for (const area of areas) if (!(await isSafeSwap(area))) plain.push(area);
  if (plain.length === 0) return areas.length === 0 ? "no swap" : "swap in memory (zram) or encrypted";
  return {
    warning: `memory may be written to disk unencrypted: ${plain.join(", ")}`,
    nextStep: "Turn that swap off (`swapoff -a`, /etc/fstab), use zram, or encrypt it (crypttab with /dev/urandom).",
  };
}

/** Paths of the active swap areas. @param table content of /proc/swaps. */
export function swapAreas(table: string): string[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => line.split(/\s+/)[0] ?? [])
    .filter((path) => path !== "")
    .map((path) => path.replaceAll("\\040", " "));
}

/** zram is compressed memory; a dm-crypt device says so in its uuid. */
async function isSafeSwap(path: string): Promise<boolean> {
  if (/\/zram\d+$/.test(path)) return true;
  const device = basename(await realpath(path).catch(() => path));
  return (await readText(`/sys/class/block/${device}/dm/uuid`)).startsWith("CRYPT-");
}

async function checkRuntimeFolder(folder: string) {
  try {
    const { type } = await statfs(folder);
    if (IN_MEMORY.includes(type)) return `${folder} is in memory`;
  } catch (error) {
    if (!isEnoent(error)) throw error;
    return `${folder} is made when the service starts`;
  }
  return {
    warning: `${folder} is on disk: opened adapters and what is being trained on are written there in the clear`,
    nextStep: "Put paths.runtimeDir on a tmpfs, e.g. below /run.",
  };
}

/**
 * The unit sets LimitCORE=0. A program that dumps are piped to gets them whatever the limit, and has to look at it by itself
 * (core(5)): those that are told the limit (%c), like systemd-coredump, do.
 */
export function coreDumpFinding(pattern: string) {
  const trimmed = pattern.trim();
  if (!trimmed.startsWith("|") || trimmed.includes("%c")) return "kept away by the unit's limit";
  return {
    warning: `core dumps are given to ${trimmed.slice(1).split(" ")[0]}, which is not told that the service wants none`,
    nextStep: "Set kernel.core_pattern=core, or a handler that is given %c.",
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isEnoent(error)) return "";
    throw error;
  }
}
