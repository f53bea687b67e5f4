import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const CONFIG_FOLDER = "/sys/kernel/config/gpio-sim";
const LINE_COUNT = 32;

/** What this machine lacks for a simulated GPIO character device, or null. */
export function lacksGpioSim(): string | null {
  if (!existsSync(CONFIG_FOLDER)) return "no gpio-sim: the kernel module is not loaded";
  return process.getuid?.() === 0 ? null : "not root";
}

/** A GPIO chip of 32 lines by the kernel's gpio-sim. @see https://docs.kernel.org/admin-guide/gpio/gpio-sim.html */
export class GpioSim implements AsyncDisposable {
  /** e.g. gpiochip3. */
  readonly chip: string;
  readonly #folder: string;
  readonly #device: string;

  constructor(folder: string, chip: string, device: string) {
    this.#folder = folder;
    this.chip = chip;
    this.#device = device;
  }

  /** Moves an input's level from outside. */
  async pull(line: number, level: 0 | 1): Promise<void> {
    await writeFile(this.#line(line, "pull"), level === 1 ? "pull-up" : "pull-down");
  }

  /** The level of a line. */
  async level(line: number): Promise<0 | 1> {
    return (await readFile(this.#line(line, "value"), "utf8")).trim() === "1" ? 1 : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await writeFile(join(this.#folder, "live"), "0");
    await rmdir(join(this.#folder, "bank0"));
    await rmdir(this.#folder);
  }

  #line(line: number, file: string): string {
    return `/sys/devices/platform/${this.#device}/${this.chip}/sim_gpio${line}/${file}`;
  }
}

export async function makeGpioSim(name: string): Promise<GpioSim> {
  const folder = join(CONFIG_FOLDER, name);
  const bank = join(folder, "bank0");
  await mkdir(bank, { recursive: true });
  await writeFile(join(bank, "num_lines"), String(LINE_COUNT));
  await writeFile(join(bank, "label"), name);
  await writeFile(join(folder, "live"), "1");
  const read = async (path: string) => (await readFile(path, "utf8")).trim();
  return new GpioSim(folder, await read(join(bank, "chip_name")), await read(join(folder, "dev_name")));
}
