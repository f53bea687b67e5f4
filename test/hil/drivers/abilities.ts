import type { Ability, DriverName } from "../driver.ts";
import { rigOrNull } from "./rig.ts";

const VIRTUAL_LACKS: Partial<Record<Ability, string>> = {
  systemd: "the virtual driver runs the program without systemd",
  memory_limit: "the virtual driver has no control group with a memory limit",
  kernel_sensors: "the virtual driver's sensors are inside the program",
  packages: "the virtual driver runs from the checkout, not from a package",
};

const VM_LACKS: Partial<Record<Ability, string>> = {};

/** Why this driver cannot do that, or null when it can. */
export function lacks(driver: DriverName, ability: Ability): string | null {
  if (driver === "virtual") return VIRTUAL_LACKS[ability] ?? null;
  if (driver === "vm") return VM_LACKS[ability] ?? null;
  return rigOrNull()?.lacks(ability) ?? null;
}
