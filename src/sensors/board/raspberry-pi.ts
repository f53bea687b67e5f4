import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { hwmonsNamed, readInteger, textOrNull } from "./board-access.ts";
import type { BoardAccess, BoardBackend, BoardProbes, PowerReading, ThrottleState } from "./ports.ts";
import { findSupplies } from "./power-supply.ts";
import { findSystemLoad } from "./system-load.ts";
import { findThermometer } from "./thermal.ts";

/**
 * Each answer of vcgencmd is used for this long: it costs a process, and the sensors are looked at twice a second while
 * training. Heat and supply, which stop training, are read from sysfs each time.
 */
const COMMAND_EVERY_MS = 5_000;

/** Raspberry Pi 4 and 5 under Raspberry Pi OS or Debian. */
export class RaspberryPi implements BoardBackend {
  readonly name = "raspberry-pi";
  readonly #access: BoardAccess;
  readonly #clock: Clock;

  constructor(access: BoardAccess, clock: Clock) {
    this.#access = access;
    this.#clock = clock;
  }

  async matches(): Promise<boolean> {
    const model = await textOrNull(`${this.#access.sysDir}/firmware/devicetree/base/model`);
    return model?.startsWith("Raspberry Pi ") ?? false;
  }

  async discover(): Promise<BoardProbes> {
    const { sysDir, procDir } = this.#access;
    const [temperature, throttle, power, supplies, load] = await Promise.all([
      findThermometer(sysDir, { required: /^cpu[-_]thermal$/ }),
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
   * The firmware's flags by vcgencmd, and the kernel's own under-voltage alarm. Not sysfs `get_throttled`: the kernel
   * calls that file deprecated and logs a warning with a stack trace at its first read.
   */
  async #findThrottle(): Promise<(() => Promise<ThrottleState>) | null> {
    const flags = this.#command("get_throttled", parseThrottled);
    const [hwmon] = await hwmonsNamed(this.#access.sysDir, ["rpi_volt"]);
    const hasFlags = await succeeds(flags);
    if (!hasFlags && hwmon === undefined) return null;
    return async () => {
      const alarm = hwmon === undefined ? 0 : await readInteger(`${hwmon}/in0_lcrit_alarm`);
      const { isUnderVoltage, isSlowed } = hasFlags ? await flags() : { isUnderVoltage: false, isSlowed: false };
      return { isUnderVoltage: isUnderVoltage || alarm !== 0, isSlowed };
    };
  }

  /** Only the Pi 5's power chip measures its rails. */
  async #findPower(): Promise<(() => Promise<PowerReading>) | null> {
    const power = this.#command("pmic_read_adc", parsePmic);
    return (await succeeds(power)) ? power : null;
  }

  /** What `vcgencmd name` says, asked again after {@link COMMAND_EVERY_MS} or a failure. */
  #command<T>(name: string, parse: (text: string) => T): () => Promise<T> {
    let last: { readonly value: T; readonly atMs: number } | null = null;
    return async () => {
      const nowMs = this.#clock.monotonicMs();
      if (last !== null && nowMs - last.atMs < COMMAND_EVERY_MS) return last.value;
      last = null;
      const value = parse(await this.#access.run("vcgencmd", [name]));
      last = { value, atMs: nowMs };
      return value;
    };
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
function parseThrottled(text: string): ThrottleState {
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
function parsePmic(text: string): PowerReading {
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
