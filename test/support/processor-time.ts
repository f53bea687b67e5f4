import { readdirSync, readFileSync } from "node:fs";

/** Processor time of all threads of a process so far, ns. @see Linux Documentation/scheduler/sched-stats.rst */
export function processorNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

/** Lets everything else of this process run `count` times. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
