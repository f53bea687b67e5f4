import { readdirSync, readFileSync } from "node:fs";

/** What a process holds. */
export interface Holding {
  /** Resident memory of the process itself, MiB, and how much of it is not pages of a file. */
  readonly rssMb: number;
  readonly anonymousMb: number;
  /** Open file descriptors. */
  readonly fds: number;
}

export function holdingOf(pid: number): Holding {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mbOf = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { rssMb: mbOf("VmRSS"), anonymousMb: mbOf("RssAnon"), fds: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * Bytes that the process and its children that have ended caused to be sent to storage (proc(5), `write_bytes`): pages made
 * dirty, so what a file system in memory takes is not counted.
 */
export function writtenBytesOf(pid: number): number {
  const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? [];
  return Number(bytes);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
