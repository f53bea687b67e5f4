import type { CharacterChip, GpioSurvey, InputDevice, SysfsChip } from "./gpio-survey.ts";

export interface GpioWish {
  readonly backend: "auto" | "onoff" | "gpiod" | "evdev";
  /** "" = the board's own chip: the first one of BOARD_CHIPS that exists, otherwise the first chip at all. */
  readonly chipLabel: string;
  /** Highest line that is used on the chip; null = none is, only evdev can serve. */
  readonly highestLine: number | null;
  /** Name of the input device, or its beginning. */
  readonly evdevName: string;
}

export type GpioRoute =
  | { readonly backend: "onoff"; readonly chip: SysfsChip }
  | { readonly backend: "gpiod"; readonly chip: CharacterChip; readonly majorVersion: 1 | 2 }
  | { readonly backend: "evdev"; readonly devices: readonly InputDevice[] };

export interface GpioChoice {
  /** The first of `routes`; null = nothing fits. */
  readonly route: GpioRoute | null;
  /** Every way that looks possible, best first: one may still fail at the line itself. */
  readonly routes: readonly GpioRoute[];
  /** One sentence per backend that was looked at, for `doctor` and errors. */
  readonly reasons: readonly string[];
}

/** The header's chip per board: Pi 5, Pi 4, Pi 0-3, Orin. Other chips of these boards serve regulators and the like. */
const BOARD_CHIPS = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835", "tegra234-gpio"] as const;

/** How to reach the pins: sysfs by onoff, else the character device by libgpiod's tools, else keys by evdev. */
export function chooseGpio(wish: GpioWish, survey: GpioSurvey): GpioChoice {
  const reasons: string[] = [];
  const routes: GpioRoute[] = [];
  const attempts = { onoff: tryOnoff, gpiod: tryGpiod, evdev: tryEvdev } as const;
  const backends = wish.backend === "auto" ? (["onoff", "gpiod", "evdev"] as const) : [wish.backend];
  for (const backend of backends) {
    const outcome = attempts[backend](wish, survey);
    reasons.push(`${backend}: ${typeof outcome === "string" ? outcome : describe(outcome)}`);
    if (typeof outcome !== "string") routes.push(outcome);
  }
  return { route: routes[0] ?? null, routes, reasons };
}

function tryOnoff(wish: GpioWish, { sysfs }: GpioSurvey): GpioRoute | string {
  if (wish.highestLine === null) return "no line is configured";
  if (sysfs.chips.length === 0) return "this kernel has no /sys/class/gpio";
  if (!sysfs.isWritable) return "/sys/class/gpio/export is not writable for this user";
  const chip = findChip(wish, sysfs.chips);
  return typeof chip === "string" ? chip : { backend: "onoff", chip };
}

function tryGpiod(wish: GpioWish, { gpiod }: GpioSurvey): GpioRoute | string {
  if (wish.highestLine === null) return "no line is configured";
  if (gpiod.majorVersion === null) return "gpiodetect is not installed (apt install gpiod)";
  if (gpiod.chips.length === 0) return "gpiodetect finds no /dev/gpiochip* for this user";
  const chip = findChip(wish, gpiod.chips);
  return typeof chip === "string" ? chip : { backend: "gpiod", chip, majorVersion: gpiod.majorVersion };
}

function tryEvdev({ evdevName }: GpioWish, { inputs }: GpioSurvey): GpioRoute | string {
  // the gpio-key overlay makes one device per button: "button@11", "button@12"
  const devices = evdevName === "" ? [] : inputs.filter((input) => input.name.startsWith(evdevName));
  return devices.length === 0 ? `no input device is named ${evdevName || "anything"}` : { backend: "evdev", devices };
}

function findChip<T extends { readonly label: string; readonly lineCount: number }>(
  { chipLabel, highestLine }: GpioWish,
  chips: readonly T[],
): T | string {
  const labels = chipLabel === "" ? BOARD_CHIPS : [chipLabel];
  const known = labels.map((label) => chips.find((chip) => chip.label === label)).find((chip) => chip !== undefined);
  const chip = known ?? (chipLabel === "" ? chips[0] : undefined);
  if (chip === undefined) {
    return `no chip is labelled ${chipLabel}; there are ${chips.map(({ label }) => label).join(", ")}`;
  }
  if (highestLine !== null && highestLine >= chip.lineCount) {
    return `chip ${chip.label} has lines 0 to ${chip.lineCount - 1}, no ${highestLine}`;
  }
  return chip;
}

function describe(route: GpioRoute): string {
  if (route.backend === "evdev") return `input device ${route.devices.map(({ name }) => name).join(", ")}`;
  if (route.backend === "onoff") return `chip ${route.chip.label}, sysfs lines from ${route.chip.base}`;
  return `chip ${route.chip.label} as ${route.chip.name}, libgpiod ${route.majorVersion}`;
}
