import { totalmem } from "node:os";
import { CgroupFreezer, SignalFreezer } from "../adapt/freezer.ts";
import type { Freezer } from "../adapt/ports.ts";
import { makeTrainerGroup } from "../adapt/trainer-cgroup.ts";
import type { Logger } from "../core/logger.ts";

const MEBIBYTE = 2 ** 20;
/** Of the memory that the trainer may hold before it is slowed down: where it is killed. */
const KILL_RATIO = 1.25;
/** Without `training.memoryMb`: of the board's memory. The other half is the assistant's and its model's. */
const DEFAULT_SHARE = 0.5;

/**
 * Freezes by cgroup where systemd delegated one, by SIGSTOP otherwise. Moves this process into a leaf of its cgroup, so
 * it has to come before any child is started.
 *
 * @param memoryMb `training.memoryMb`; 0 = half of the board's memory.
 */
export async function makeFreezer(memoryMb: number, log: Logger): Promise<Freezer> {
  const memoryHighBytes = Math.round(memoryMb > 0 ? memoryMb * MEBIBYTE : totalmem() * DEFAULT_SHARE);
  const group = await makeTrainerGroup({ memoryHighBytes, memoryMaxBytes: Math.round(memoryHighBytes * KILL_RATIO) });
  if (group.kind === "none") {
    log.info({ reason: group.reason }, "the trainer is frozen by signal");
    return new SignalFreezer();
  }
  log.info({ applied: group.applied }, "the trainer has a cgroup of its own");
  return new CgroupFreezer(group.folder, log);
}
