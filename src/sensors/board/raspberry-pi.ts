import { AppError } from "../../core/errors.ts";
import { hwmonsNamed, readInteger, textOrNull } from "./board-access.ts";
import type { BoardAccess, BoardBackend, BoardProbes, PowerReading, ThrottleState } from "./ports.ts";
import { findSupplies } from "./power-supply.ts";
import { findSystemLoad } from "./system-load.ts";
import { findThermometer } from "./thermal.ts";

/** Raspberry Pi 4 and 5 under Raspberry Pi OS or Debian. */
export class RaspberryPi implements BoardBackend {
  readonly name = "raspberry-pi";
  readonly #access: BoardAccess;

  constructor(access: BoardAccess) {
    this.#access = access;
  }

  async matches(): Promise<boolean> {
    const model = await textOrNull(`${this.#access.sysDir}/firmware/devicetree/base/model`);
    return model?.startsWith("Raspberry Pi ") ?? false;
  }

  async discover(): Promise<BoardProbes> {
    const { sysDir, procDir } = this.#access;
    const [temperature, throttle, hasPmic, supplies, load] = await Promise.all([
      findThermometer(sysDir, { required: /^cpu[-_]thermal$/ }),
      this.#findThrottle(),
      this.#hasPmic(),
      findSupplies(sysDir),
      findSystemLoad(procDir),
    ]);
    return {
      ...supplies,
      ...load,
      ...(temperature !== null && { temperature }),
      ...(throttle !== null && { throttle }),
      ...(hasPmic && { power: async () => parsePmic(await this.#access.run("vcgencmd", ["pmic_read_adc"])) }),
    };
  }

  /**
   * The firmware's flags by vcgencmd. Not by sysfs `get_throttled`: the kernel calls that file deprecated and logs a
   * warning with a stack trace at its first read. Without vcgencmd, the kernel's under-voltage alarm.
   */
  async #findThrottle(): Promise<(() => Promise<ThrottleState>) | null> {
    const readFlags = async () => parseThrottled(await this.#access.run("vcgencmd", ["get_throttled"]));
    if (await succeeds(readFlags)) return readFlags;
    const [hwmon] = await hwmonsNamed(this.#access.sysDir, ["rpi_volt"]);
    if (hwmon === undefined) return null;
    return async () => ({ isUnderVoltage: (await readInteger(`${hwmon}/in0_lcrit_alarm`)) !== 0, isSlowed: false });
  }

  /** Only the Pi 5's power chip measures its rails. */
  #hasPmic(): Promise<boolean> {
    return succeeds(async () => parsePmic(await this.#access.run("vcgencmd", ["pmic_read_adc"])));
  }
}

async function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}

/**
 * `throttled=0x50005`: bit 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit, all of this
 * moment; bits 16 to 19 tell what happened since boot and are left out.
 *
 * @see raspberrypi.com documentation, "vcgencmd", get_throttled
 * @throws AppError E_SENSOR_FAILED.
 */
export function parseThrottled(text: string): ThrottleState {
  const hex = /^throttled=0x([0-9a-f]{1,8})$/i.exec(text.trim())?.[1];
  if (hex === undefined) throw new AppError("E_SENSOR_FAILED", "vcgencmd get_throttled gave no flags");
  const flags = Number.parseInt(hex, 16);
  return { isUnderVoltage: (flags & 0b0001) !== 0, isSlowed: (flags & 0b1110) !== 0 };
}

/**
 * Sum of volts times amperes of the rails behind the Pi 5's power chip. What is fed by 5 V directly (USB, HATs, NVMe) is
 * not behind it.
 *
 * @see `vcgencmd pmic_read_adc`: `VDD_CORE_A current(7)=0.92871990A` and `VDD_CORE_V volt(15)=0.72097620V`
 * @throws AppError E_SENSOR_FAILED when no rail has both.
 */
export function parsePmic(text: string): PowerReading {
  const valuesOf = (pattern: RegExp) =>
    new Map([...text.matchAll(pattern)].map(([, rail, value]) => [String(rail), Number(value)]));
  const amperes = valuesOf(/^\s*(\w+)_A current\(\d+\)=([\d.]+)A\s*$/gm);
  const volts = valuesOf(/^\s*(\w+)_V volt\(\d+\)=([\d.]+)V\s*$/gm);
  const rails = [...amperes].flatMap(([rail, current]) => {
    const voltage = volts.get(rail);
    return voltage === undefined ? [] : [voltage * current];
  });
  if (rails.length === 0) throw new AppError("E_SENSOR_FAILED", "vcgencmd pmic_read_adc named no rail");
  return { watts: rails.reduce((sum, watts) => sum + watts, 0), scope: "partial" };
}
