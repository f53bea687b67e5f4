import { entriesOf, hwmonsNamed, readInteger, textOrNull } from "./board-access.ts";
import type { BoardAccess, BoardBackend, BoardProbes, PowerReading, ThrottleState } from "./ports.ts";
import { findSupplies } from "./power-supply.ts";
import { findSystemLoad } from "./system-load.ts";
import { findThermometer } from "./thermal.ts";

/** Labels of the rail that carries everything. */
const INPUT_RAILS = ["VDD_IN", "POM_5V_IN"];

/** Files of one channel of an INA3221. */
interface Rail {
  readonly label: string;
  readonly voltagePath: string;
  readonly currentPath: string;
}

/** Jetson Orin under JetPack 5 and 6. */
export class Jetson implements BoardBackend {
  readonly name = "jetson";
  readonly #access: BoardAccess;

  constructor(access: BoardAccess) {
    this.#access = access;
  }

  async matches(): Promise<boolean> {
    return /\bJetson\b/.test((await textOrNull(`${this.#access.sysDir}/firmware/devicetree/base/model`)) ?? "");
  }

  async discover(): Promise<BoardProbes> {
    const { sysDir, procDir } = this.#access;
    const [temperature, throttle, power, supplies, load] = await Promise.all([
      findThermometer(sysDir, { required: /^(cpu|tj)-therm(al)?$/i, optional: /^(gpu|soc\d|cv\d)-therm(al)?$/i }),
      this.#findThrottle(),
      this.#findPower(),
      findSupplies(sysDir),
      findSystemLoad(procDir),
    ]);
    return {
      ...supplies,
      ...load,
      ...(temperature !== null && { temperature }),
      ...(throttle !== null && { throttle }),
      ...(power !== null && { power }),
    };
  }

  /**
   * Over-current events: OC1 under-voltage, OC2 average and OC3 instantaneous over-current. The files count events since
   * boot, so that what rose since the last look is what happens now.
   */
  async #findThrottle(): Promise<(() => Promise<ThrottleState>) | null> {
    const [hwmon] = await hwmonsNamed(this.#access.sysDir, ["soctherm_oc"]);
    if (hwmon === undefined) return null;
    const files = await entriesOf(hwmon, /^oc\d_event_cnt$/);
    if (files.length === 0) return null;
    let before: ReadonlyMap<string, number> | null = null;
    return async () => {
      const now = new Map(await Promise.all(files.map(async (file) => [file, await readInteger(file)] as const)));
      const rose = (file: string) => before !== null && (now.get(file) ?? 0) > (before.get(file) ?? 0);
      const state = {
        isUnderVoltage: files.some((file) => file.endsWith("/oc1_event_cnt") && rose(file)),
        isSlowed: files.some(rose),
      };
      before = now;
      return state;
    };
  }

  /** VDD_IN is the whole module; where no channel is (AGX), the sum of those that are connected. */
  async #findPower(): Promise<(() => Promise<PowerReading>) | null> {
    const rails = await this.#rails();
    const input = rails.find(({ label }) => INPUT_RAILS.includes(label));
    const counted = input === undefined ? rails : [input];
    if (counted.length === 0) return null;
    return async () => {
      const watts = await Promise.all(counted.map(railWatts));
      return { watts: watts.reduce((sum, each) => sum + each, 0), scope: input === undefined ? "partial" : "board" };
    };
  }

  async #rails(): Promise<Rail[]> {
    const rails: Rail[] = [];
    for (const hwmon of await hwmonsNamed(this.#access.sysDir, ["ina3221"])) {
      for (const labelPath of await entriesOf(hwmon, /^in[1-3]_label$/)) {
        const label = await textOrNull(labelPath);
        // Unconnected channels are labelled NC.
        if (label === null || label === "" || label === "NC") continue;
        const channel = labelPath.replace(/_label$/, "");
        rails.push({
          label,
          voltagePath: `${channel}_input`,
          currentPath: `${channel.replace(/in(\d)$/, "curr$1")}_input`,
        });
      }
    }
    return rails;
  }
}

/** @see Linux Documentation/hwmon/ina3221.rst: in1..3 bus voltage in mV, curr1..3 in mA; it has no power file. */
async function railWatts({ voltagePath, currentPath }: Rail): Promise<number> {
  const [milliVolts, milliAmperes] = await Promise.all([readInteger(voltagePath), readInteger(currentPath)]);
  return (milliVolts * milliAmperes) / 1e6;
}
