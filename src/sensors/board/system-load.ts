import { AppError } from "../../core/errors.ts";
import { readText, textOrNull } from "./board-access.ts";
import type { BoardProbes, MemoryReading } from "./ports.ts";

/**
 * Probes of memory and processor load, which every Linux has. Without pressure stall information (`psi=0`) memory is
 * judged by what is available.
 *
 * @see Linux Documentation/accounting/psi.rst; proc_meminfo(5), proc_stat(5)
 */
export async function findSystemLoad(procDir: string): Promise<Pick<BoardProbes, "memory" | "load">> {
  const hasPressure = (await textOrNull(`${procDir}/pressure/memory`)) !== null;
  let before: CpuTicks | null = null;
  return {
    memory: () => readMemory(procDir, hasPressure),
    load: async () => {
      const now = parseCpuTicks(await readText(`${procDir}/stat`));
      const load = before === null || now.total <= before.total ? null : busyShare(before, now);
      before = now;
      return load;
    },
  };
}

async function readMemory(procDir: string, hasPressure: boolean): Promise<MemoryReading> {
  const [meminfo, pressure] = await Promise.all([
    readText(`${procDir}/meminfo`),
    hasPressure ? readText(`${procDir}/pressure/memory`) : null,
  ]);
  const available = /^MemAvailable: +(\d+) kB$/m.exec(meminfo)?.[1];
  if (available === undefined) throw new AppError("E_SENSOR_FAILED", "meminfo names no available memory");
  return {
    pressurePct: pressure === null ? null : parsePressure(pressure),
    availableMb: Math.round(Number(available) / 1024),
  };
}

/** `some avg10` of a pressure file, per cent. @throws AppError E_SENSOR_FAILED. */
function parsePressure(text: string): number {
  const share = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text)?.[1];
  if (share === undefined) throw new AppError("E_SENSOR_FAILED", "the pressure file has no avg10");
  return Number(share);
}

interface CpuTicks {
  readonly idle: number;
  readonly total: number;
}

/** The first line of /proc/stat. Guest time is part of user time already, so only the first eight columns count. */
function parseCpuTicks(text: string): CpuTicks {
  const columns = /^cpu +(\d[\d ]*)$/m.exec(text)?.[1]?.split(" ").slice(0, 8).map(Number) ?? [];
  const [, , , idle, wait] = columns;
  if (idle === undefined) throw new AppError("E_SENSOR_FAILED", "the processor statistics are of another shape");
  return { idle: idle + (wait ?? 0), total: columns.reduce((sum, ticks) => sum + ticks, 0) };
}

function busyShare(before: CpuTicks, now: CpuTicks): number {
  const share = 1 - (now.idle - before.idle) / (now.total - before.total);
  return Math.min(1, Math.max(0, share));
}
