import { readFile } from "node:fs/promises";

/** USER_HZ of Linux: ticks per second in /proc/PID/stat. */
const TICKS_PER_S = 100;

/** Processor time that a process has taken since its start, user and kernel, seconds. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Fields after the command's name in brackets; 14 and 15 are utime and stime (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}
