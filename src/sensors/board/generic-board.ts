import type { Clock } from "../../core/clock.ts";
import { entriesOf, readInteger, textOrNull } from "./board-access.ts";
import type { BoardAccess, BoardBackend, BoardProbes, PowerReading } from "./ports.ts";
import { findSupplies } from "./power-supply.ts";
import { findSystemLoad } from "./system-load.ts";
import { findThermometer } from "./thermal.ts";

/** Zone types of processors, as the kernel's drivers and device trees name them. */
const PROCESSOR_ZONES = /^(cpu|soc|package|core|littlecore|bigcore)\d*[-_]?thermal$|^x86_pkg_temp$|^TCPU$/i;

/** Any other Linux machine: whatever its kernel shows by the general interfaces. */
export class GenericBoard implements BoardBackend {
  readonly name = "generic";
  readonly #access: BoardAccess;
  readonly #clock: Clock;

  constructor(access: BoardAccess, clock: Clock) {
    this.#access = access;
    this.#clock = clock;
  }

  async matches(): Promise<boolean> {
    return true;
  }

  async discover(): Promise<BoardProbes> {
    const { sysDir, procDir } = this.#access;
    const [temperature, power, supplies, load] = await Promise.all([
      this.#findThermometer(),
      this.#findPackagePower(),
      findSupplies(sysDir),
      findSystemLoad(procDir),
    ]);
    return {
      ...supplies,
      ...load,
      ...(temperature !== null && { temperature }),
      ...(power !== null && { power }),
    };
  }

  /** Processor zones and monitors first; the case's ACPI zone only where there is nothing better. */
  async #findThermometer(): Promise<(() => Promise<number>) | null> {
    const { sysDir } = this.#access;
    const processor = await findThermometer(sysDir, {
      required: PROCESSOR_ZONES,
      hwmonNames: ["coretemp", "k10temp", "zenpower", "cpu_thermal"],
    });
    return processor ?? (await findThermometer(sysDir, { required: /^acpitz$/ }));
  }

  /**
   * Power of the processor packages by their energy counters, µJ; readable by root only on current kernels.
   *
   * @see Linux Documentation/power/powercap/powercap.rst: energy_uj wraps at max_energy_range_uj
   */
  async #findPackagePower(): Promise<(() => Promise<PowerReading | null>) | null> {
    const zones: { path: string; rangeUj: number }[] = [];
    // intel-rapl:0 is a package; intel-rapl:0:0 is a part of it and would count twice.
    for (const folder of await entriesOf(`${this.#access.sysDir}/class/powercap`, /^intel-rapl:\d+$/)) {
      const isPackage = (await textOrNull(`${folder}/name`))?.startsWith("package-") ?? false;
      if (!isPackage || (await textOrNull(`${folder}/energy_uj`)) === null) continue;
      zones.push({ path: `${folder}/energy_uj`, rangeUj: Number(await textOrNull(`${folder}/max_energy_range_uj`)) });
    }
    if (zones.length === 0) return null;
    let before: { readonly energiesUj: readonly number[]; readonly atMs: number } | null = null;
    return async () => {
      const energiesUj = await Promise.all(zones.map(({ path }) => readInteger(path)));
      const atMs = this.#clock.monotonicMs();
      const last = before;
      before = { energiesUj, atMs };
      if (last === null || atMs <= last.atMs) return null;
      const usedUj = energiesUj.map((energyUj, index) => {
        const used = energyUj - (last.energiesUj[index] ?? energyUj);
        return used >= 0 ? used : used + (zones[index]?.rangeUj ?? 0);
      });
      const watts = usedUj.reduce((sum, each) => sum + each, 0) / 1000 / (atMs - last.atMs);
      return { watts, scope: "partial" };
    };
  }
}
