import { type Ability, type BoardDriver, DRIVER_NAMES, type DriverName } from "./driver.ts";
import { lacks } from "./drivers/abilities.ts";
import { HIL_SETTINGS } from "./settings.ts";

/** Chosen by `npm run hil -- --driver NAME`; virtual otherwise. */
const driverName: DriverName = DRIVER_NAMES.find((name) => name === process.env.HIL_DRIVER) ?? "virtual";

/** Why the driver of this run cannot do one of these, or null. */
export function missing(...abilities: readonly Ability[]): string | null {
  return abilities.map((ability) => lacks(driverName, ability)).find((reason) => reason !== null) ?? null;
}

/** For suites about the program itself, which start it as a child from the checkout. */
export const notVirtual =
  driverName === "virtual" ? null : "needs the program as a child of the test, on the virtual board";

/**
 * The board of this run with its service up, calm: cool, on mains, unmuted.
 * @param settings further `key=value`, each as on the command line.
 */
export async function openBoard(settings: readonly string[] = []): Promise<BoardDriver> {
  const all = [...HIL_SETTINGS, ...settings];
  switch (driverName) {
    case "virtual":
      return await (await import("./drivers/virtual-board.ts")).VirtualBoard.open(all);
    case "vm":
      return await (await import("./drivers/vm-board.ts")).VmBoard.open(all);
    case "board":
      return await (await import("./drivers/real-board.ts")).RealBoard.open(all);
  }
}
