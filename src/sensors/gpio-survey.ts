import { execFile } from "node:child_process";
import { access, constants, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface SysfsChip {
  readonly label: string;
  /** sysfs number of its line 0. */
  readonly base: number;
  readonly lineCount: number;
}

export interface CharacterChip {
  /** As in /dev, e.g. gpiochip0. */
  readonly name: string;
  readonly label: string;
  readonly lineCount: number;
}

export interface InputDevice {
  /** e.g. /dev/input/event3. */
  readonly path: string;
  readonly name: string;
}

/** What a machine offers for buttons and lights. */
export interface GpioSurvey {
  readonly sysfs: { readonly isWritable: boolean; readonly chips: readonly SysfsChip[] };
  readonly gpiod: { readonly majorVersion: 1 | 2 | null; readonly chips: readonly CharacterChip[] };
  readonly inputs: readonly InputDevice[];
}

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 5_000;

/**
 * Looks at /sys/class/gpio, libgpiod's tools and /sys/class/input; changes nothing. What cannot be read counts as absent.
 *
 * @param root of the file system, "/" but for tests; libgpiod's tools always look at the real one.
 */
export async function surveyGpio(root = "/"): Promise<GpioSurvey> {
  const [chips, isWritable, gpiod, inputs] = await Promise.all([
    sysfsChips(join(root, "sys/class/gpio")),
    canWrite(join(root, "sys/class/gpio/export")),
    gpiodChips(),
    inputDevices(root),
  ]);
  return { sysfs: { isWritable, chips }, gpiod, inputs };
}

/** Every gpiochip of sysfs, by base. */
async function sysfsChips(folder: string): Promise<SysfsChip[]> {
  const chips: SysfsChip[] = [];
  for (const name of await names(folder, /^gpiochip\d+$/)) {
    const [label, base, lineCount] = await Promise.all(
      ["label", "base", "ngpio"].map((file) => readText(join(folder, name, file))),
    );
    if (label === undefined || !isNumber(base) || !isNumber(lineCount)) continue;
    chips.push({ label, base: Number(base), lineCount: Number(lineCount) });
  }
  return chips.sort((a, b) => a.base - b.base);
}

async function gpiodChips(): Promise<GpioSurvey["gpiod"]> {
  const version = /\(libgpiod\) v([12])\./.exec(await outputOf("gpiodetect", "--version"))?.[1];
  if (version === undefined) return { majorVersion: null, chips: [] };
  const chips = (await outputOf("gpiodetect")).split("\n").flatMap((line) => {
    const [, name, label, lineCount] = /^(gpiochip\d+) \[(.*)\] \((\d+) lines?\)$/.exec(line.trim()) ?? [];
    return name === undefined || label === undefined ? [] : [{ name, label, lineCount: Number(lineCount) }];
  });
  return { majorVersion: version === "1" ? 1 : 2, chips };
}

async function inputDevices(root: string): Promise<InputDevice[]> {
  const folder = join(root, "sys/class/input");
  const found: InputDevice[] = [];
  for (const event of await names(folder, /^event\d+$/)) {
    const name = await readText(join(folder, event, "device/name"));
    if (name !== undefined) found.push({ path: join(root, "dev/input", event), name });
  }
  return found;
}

async function names(folder: string, pattern: RegExp): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => pattern.test(name)).sort();
  } catch {
    return [];
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return undefined;
  }
}

async function canWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function outputOf(command: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await run(command, args, { timeout: TOOL_TIMEOUT_MS })).stdout;
  } catch {
    return "";
  }
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text);
}
