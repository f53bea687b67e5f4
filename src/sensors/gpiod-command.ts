/** libgpiod's tools changed their syntax with version 2 (Debian 12 has 1.6, Debian 13 has 2.2). */
export type GpiodMajor = 1 | 2;

export interface GpiodLines {
  readonly majorVersion: GpiodMajor;
  /** e.g. gpiochip0. */
  readonly chip: string;
  readonly activeLow: boolean;
}

/**
 * Arguments of a gpiomon that prints `<offset> <edge>` lines at once. The bias makes a button without a resistor of its own
 * work: pulled away from the level of a press; chips without one ignore it.
 */
export function gpiomonArgs({ majorVersion, chip, activeLow }: GpiodLines, offsets: readonly number[]): string[] {
  const bias = activeLow ? "pull-up" : "pull-down";
  const low = activeLow ? ["-l"] : [];
  const lines = offsets.map(String);
  return majorVersion === 1
    ? ["-b", ...low, `--bias=${bias}`, "--format=%o %e", chip, ...lines]
    : [...low, `--bias=${bias}`, "--format=%o %E", `--chip=${chip}`, ...lines];
}

/** Arguments of a gpioset that holds the value until it is killed. */
export function gpiosetArgs({ majorVersion, chip, activeLow }: GpiodLines, offset: number, on: boolean): string[] {
  const low = activeLow ? ["-l"] : [];
  const setting = `${offset}=${on ? 1 : 0}`;
  return majorVersion === 1 ? [...low, "--mode=signal", chip, setting] : [...low, `--chip=${chip}`, setting];
}

export interface GpiodEvent {
  readonly offset: number;
  /** The line became active, after activeLow. */
  readonly active: boolean;
}

/** One line of {@link gpiomonArgs}' output (1 or `rising` is active), or null. */
export function parseGpiomonLine(line: string): GpiodEvent | null {
  const [, offset, edge] = /^(\d+) (0|1|rising|falling)$/.exec(line.trim()) ?? [];
  if (offset === undefined || edge === undefined) return null;
  return { offset: Number(offset), active: edge === "1" || edge === "rising" };
}
