import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { randomId } from "../../src/core/ids.ts";

const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];

/** Where cgroup version 2 is mounted. @throws when it is not. */
export function cgroupRoot(): string {
  if (mount === undefined) throw new Error("there is no cgroup version 2 here");
  return mount;
}

/** Null, or why no cgroup can be made and frozen here. */
export function cgroupObstacle(): string | null {
  if (mount === undefined) return "there is no cgroup version 2 here";
  const probe = `${mount}/${randomId("asls-probe")}`;
  try {
    accessSync(mount, constants.W_OK);
    mkdirSync(probe);
    const isUsable = existsSync(`${probe}/cgroup.freeze`);
    rmdirSync(probe);
    return isUsable ? null : "this kernel's cgroups cannot be frozen";
  } catch {
    return `${mount} is not ours to write`;
  }
}
