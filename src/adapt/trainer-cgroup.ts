import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../core/errors.ts";

/** How much memory the trainer's group may hold. */
export interface TrainerGroupLimits {
  /** Above it the kernel slows the trainer down and takes its caches back, bytes. */
  readonly memoryHighBytes: number;
  /** Above it the kernel kills the trainer, and only it, bytes. */
  readonly memoryMaxBytes: number;
}

/** A group that is there, or why there is none. */
export type TrainerGroup =
  | { readonly kind: "made"; readonly folder: string; readonly applied: readonly string[] }
  | { readonly kind: "none"; readonly reason: string };

/** Leaf that the service itself moves into: a group whose controllers are handed down may hold no process of its own. */
const OWN_LEAF = "main";
const TRAINER_LEAF = "trainer";
const CONTROLLERS = ["cpu", "io", "memory", "pids"];

/**
 * Makes the trainer's cgroup (version 2) beside the service's own, when the service's group was delegated to it (systemd:
 * `Delegate=`): idle CPU weight, least I/O weight, a memory bound of its own. What the kernel does not offer is left out.
 *
 * INVARIANT: nothing is touched unless this process is alone in a group that it may write to: a shell's or a
 * session's group is somebody else's.
 *
 * @param procFolder normally `/proc/self`
 * @see Linux Documentation/admin-guide/cgroup-v2.rst; systemd's "Control Group APIs and Delegation"
 */
export async function makeTrainerGroup(
  limits: TrainerGroupLimits,
  pid: number = process.pid,
  procFolder = "/proc/self",
): Promise<TrainerGroup> {
  const unit = await ownCgroup(procFolder);
  if (unit === null)
    return { kind: "none", reason: "this system has no cgroup version 2, or the service is in its root" };
  try {
    const members = (await readFile(join(unit, "cgroup.procs"), "utf8")).split("\n").filter(Boolean);
    if (members.length !== 1 || Number(members[0]) !== pid) {
      return { kind: "none", reason: "the service shares its cgroup with other processes" };
    }
    const own = await makeLeaf(unit, OWN_LEAF);
    await writeControl(own, "cgroup.procs", String(pid));
  } catch (error) {
    return { kind: "none", reason: `the service's cgroup is not delegated to it (${systemErrorCode(error) ?? "?"})` };
  }
  try {
    await handDownControllers(unit);
    const folder = await makeLeaf(unit, TRAINER_LEAF);
    await writeControl(folder, "cgroup.freeze", "0"); // what an earlier process may have left
    return { kind: "made", folder, applied: await restrain(folder, limits) };
  } catch (error) {
    return { kind: "none", reason: `the trainer's cgroup cannot be used (${systemErrorCode(error) ?? "?"})` };
  }
}

/** Folder of this process's group; null without cgroup version 2, or in its root. */
async function ownCgroup(procFolder: string): Promise<string | null> {
  try {
    const path = /^0::(\/.+)$/m.exec(await readFile(join(procFolder, "cgroup"), "utf8"))?.[1];
    // mountinfo: id parent major:minor root mount-point options ... - type source options (proc_pid_mountinfo(5)).
    const mounts = await readFile(join(procFolder, "mountinfo"), "utf8");
    const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1];
    return path === undefined || mount === undefined ? null : join(mount, path);
  } catch {
    return null;
  }
}

async function makeLeaf(unit: string, name: string): Promise<string> {
  const folder = join(unit, name);
  await mkdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  });
  return folder;
}

/** One by one: the kernel refuses a whole line for one controller that is not to be had. */
async function handDownControllers(unit: string): Promise<void> {
  const offered = (await readFile(join(unit, "cgroup.controllers"), "utf8")).trim().split(" ");
  for (const name of CONTROLLERS.filter((each) => offered.includes(each))) {
    await tryControl(unit, "cgroup.subtree_control", `+${name}`);
  }
}

/** @returns the settings that hold, e.g. `cpu.idle=1`. */
async function restrain(folder: string, { memoryHighBytes, memoryMaxBytes }: TrainerGroupLimits): Promise<string[]> {
  const applied: string[] = [];
  const set = async (file: string, value: string) => {
    if (!(await tryControl(folder, file, value))) return false;
    applied.push(`${file}=${value}`);
    return true;
  };
  // cpu.idle came with Linux 5.15; the least weight is the next best.
  if (!(await set("cpu.idle", "1"))) await set("cpu.weight", "1");
  // Only with a scheduler that knows groups (bfq, or io.cost); the nice value stands for it otherwise.
  await set("io.weight", "default 1");
  await set("memory.high", String(memoryHighBytes));
  await set("memory.max", String(memoryMaxBytes));
  await set("memory.oom.group", "1");
  return applied;
}

async function tryControl(folder: string, file: string, value: string): Promise<boolean> {
  try {
    await writeControl(folder, file, value);
    return true;
  } catch {
    return false;
  }
}

/** Never creates: a file that is not there is a controller that the kernel does not have. */
async function writeControl(folder: string, file: string, value: string): Promise<void> {
  await writeFile(join(folder, file), value, { flag: "r+" });
}
