import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { Ability } from "../driver.ts";
import { runProgram } from "./place.ts";

const command = v.pipe(v.string(), v.nonEmpty());

/** File named by HIL_RIG: how the board is reached, and one command of this machine for each thing done to it. */
const rigSchema = v.strictObject({
  /** As for ssh, e.g. root@192.0.2.20; root, since the suite looks into /proc and restarts units. */
  host: command,
  port: v.optional(v.number(), 22),
  identityFile: v.optional(command),
  /** {button} is talk, up or down; {on} is 1 for pressed. E.g. a relay across the button's wires. */
  press: v.optional(command),
  /** {wav} is a file to play next to the microphone. */
  say: v.optional(command),
  /** {wav} is the file to record into, until the command is ended by SIGTERM. */
  hear: v.optional(command),
  /** {on} is 1 for power on: the relay of the board's supply. */
  power: v.optional(command),
  /** {on} is 1 for mains present (a board with a battery). */
  mains: v.optional(command),
  /** {on} is 1 for plugged in: a switchable USB port. */
  microphone: v.optional(command),
  /** {celsius}: a hot plate or a fan that brings the board there. */
  temperature: v.optional(command),
  /** Prints 1 when the light is on, e.g. a photodiode in front of it. */
  led: v.optional(command),
  /** Package of another version, on this machine. */
  otherPackage: v.optional(command),
});

export type RigFile = v.InferOutput<typeof rigSchema>;
type RigCommand = "press" | "say" | "hear" | "power" | "mains" | "microphone" | "temperature" | "led";

const NEEDS: Partial<Record<Ability, keyof RigFile>> = {
  press: "press",
  speak: "say",
  hear: "hear",
  see_light: "led",
  set_temperature: "temperature",
  set_mains: "mains",
  unplug_microphone: "microphone",
  cut_power: "power",
  packages: "otherPackage",
};

/** The bench around a real board: relays, loudspeaker, switchable port. */
export class Rig {
  readonly file: RigFile;

  constructor(file: RigFile) {
    this.file = file;
  }

  lacks(ability: Ability): string | null {
    if (ability === "set_input_power") return "nothing makes a real board take a given power";
    if (ability === "kernel_sensors") return "the sensors of a real board are real";
    const needed = NEEDS[ability];
    return needed === undefined || this.file[needed] !== undefined ? null : `HIL_RIG has no "${needed}"`;
  }

  /** Runs one command of the rig on this machine, its {names} filled in. */
  async run(name: RigCommand, values: Readonly<Record<string, string | number>> = {}): Promise<string> {
    return await runProgram("sh", ["-c", this.command(name, values)]);
  }

  /** @throws Error when the rig has none. */
  command(name: RigCommand, values: Readonly<Record<string, string | number>> = {}): string {
    const template = this.file[name];
    if (template === undefined) throw new Error(`HIL_RIG has no "${name}"`);
    return template.replace(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole));
  }
}

/** The rig of the file that HIL_RIG names, or null without it. @throws Error naming what is wrong in it. */
export function rigOrNull(): Rig | null {
  const path = process.env.HIL_RIG;
  if (path === undefined) return null;
  const parsed = v.safeParse(rigSchema, JSON.parse(readFileSync(path, "utf8")));
  if (!parsed.success) throw new Error(`${path}: ${parsed.issues.map(({ message }) => message).join("; ")}`);
  return new Rig(parsed.output);
}
