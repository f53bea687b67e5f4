import { setFlagsFromString } from "node:v8";

/**
 * Small buffers are cut from pieces of this size instead of 8 KiB. What keeps one of them keeps its whole piece: mqtt-packet
 * keeps two bytes for every length of a packet that it ever wrote, and with each the piece they were cut from.
 */
const BUFFER_PIECE_BYTES = 512;

/** For a process that runs for months: little memory hangs on a small buffer. */
export function cutBuffersSmall(): void {
  Buffer.poolSize = BUFFER_PIECE_BYTES;
}

/** When V8 compiles a function with optimisations, ten times its defaults: in bytes of bytecode run until V8 11, in calls from V8 12 on. */
const LATE_OPTIMISATION = {
  untilV8_11: ["--interrupt-budget=700000"],
  fromV8_12: ["--invocation-count-for-maglev=4000", "--invocation-count-for-turbofan=30000"],
};

/**
 * For a process that runs for months and computes little in JavaScript: only what really runs often is compiled with
 * optimisations. Otherwise ever more functions are, week by week, and V8 never drops what it made of them.
 */
export function optimiseLate(): void {
  const isOld = Number.parseInt(process.versions.v8, 10) < 12;
  for (const flag of LATE_OPTIMISATION[isOld ? "untilV8_11" : "fromV8_12"]) setFlagsFromString(flag);
}

/**
 * Drops what loading the engines, a job or a conversation left behind in the calling thread's heap (when Node runs with
 * `--expose-gc`, see core/service-launch.ts; some 20 ms on the calling thread). What V8 and the engines free then goes back
 * to the system by itself: the same file says how.
 */
export function collectGarbage(): void {
  globalThis.gc?.();
}
