import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { LayerEntry } from "./config-layer.ts";
import type { BoardName } from "./sections/board.ts";

/** What the machine says it is. */
export interface DetectedBoard {
  readonly name: Exclude<BoardName, "virtual">;
  /** Text of the device tree, or null on a machine without one. */
  readonly model: string | null;
}

/**
 * Reads the board's own name from the device tree.
 * @param firmwareDir folder of the `model` file, normally /sys/firmware/devicetree/base.
 * @see docs/hardware.md; models as the vendors' device trees write them.
 */
export async function detectBoard(firmwareDir: string): Promise<DetectedBoard> {
  try {
    const model = (await readFile(join(firmwareDir, "model"), "utf8")).replaceAll("\0", "").trim();
    return { name: boardOfModel(model), model };
  } catch {
    // No device tree (PC), or one we may not read: the profile for any machine is right either way.
    return { name: "generic", model: null };
  }
}

function boardOfModel(model: string): DetectedBoard["name"] {
  if (/^Raspberry Pi (5|500|Compute Module 5)\b/.test(model)) return "rpi5";
  if (/^Raspberry Pi (4|400|Compute Module 4)\b/.test(model)) return "rpi4";
  if (/\bJetson\b.*\bOrin\b/i.test(model)) return "jetson-orin";
  return "generic";
}

/**
 * What a board changes in the defaults. Chip labels: pinctrl-bcm2711 (Pi 4), pinctrl-rp1 (Pi 5), tegra234-gpio (Orin)
 * as their kernels' gpiochips are labelled. The virtual board keeps everything in the user's own folders, so that it
 * runs without root and never touches a real board's profiles.
 */
export function boardProfile(
  name: BoardName,
  env: Readonly<Record<string, string | undefined>>,
): Pick<LayerEntry, "key" | "value">[] {
  switch (name) {
    case "virtual":
      return virtualProfile(env);
    case "rpi4":
      return [
        { key: "buttons.chipLabel", value: "pinctrl-bcm2711" },
        { key: "governor.wattsPerThread", value: 0.9 },
      ];
    case "rpi5":
      return [
        { key: "buttons.chipLabel", value: "pinctrl-rp1" },
        { key: "governor.wattsPerThread", value: 1.5 },
      ];
    case "jetson-orin":
      return [
        { key: "buttons.chipLabel", value: "tegra234-gpio" },
        { key: "buttons.backend", value: "gpiod" },
        { key: "model.gpu", value: "auto" },
        { key: "governor.resumeC", value: 75 },
        { key: "governor.throttleC", value: 80 },
        { key: "governor.stopC", value: 90 },
      ];
    case "generic":
      return [];
  }
}

function virtualProfile(env: Readonly<Record<string, string | undefined>>): Pick<LayerEntry, "key" | "value">[] {
  const home = env.HOME ?? homedir();
  const stateHome = env.XDG_STATE_HOME ?? join(home, ".local", "state");
  const stateDir = join(stateHome, "asls-virtual");
  return [
    { key: "paths.stateDir", value: stateDir },
    {
      key: "paths.runtimeDir",
      value: env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, "asls-virtual") : join(stateDir, "run"),
    },
    { key: "microphone.kind", value: "virtual" },
    { key: "buttons.backend", value: "virtual" },
    { key: "output.kind", value: "wav" },
    // Several of them may run beside each other and beside the real service.
    { key: "dashboard.port", value: 0 },
  ];
}
