import { Command } from "commander";
import { AppError } from "../core/errors.ts";
import { print } from "./context.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

interface SetOptions extends JsonOption {
  readonly temp?: string;
  readonly watts?: string;
  readonly mains?: string;
  readonly battery?: string;
  readonly memoryPressure?: string;
  readonly underVoltage?: string;
}

/** `asls board`: what the virtual board's sensors say, and its time. */
export function boardCommand(): Command {
  return new Command("board")
    .description("sensors and time of the virtual board")
    .addCommand(setCommand())
    .addCommand(skipCommand())
    .addCommand(jumpCommand());
}

function skipCommand(): Command {
  return client(
    "skip",
    "let idle time pass, up to 1000 times faster; turns and training take the time they take",
    "  asls board skip 8h --board virtual",
  )
    .argument("<duration>", "such as 90s, 30m, 8h or 7d")
    .action(async (given: string, options: JsonOption, command: Command) => {
      const state = await ask(command, "skipTime", { ms: durationMs(given) });
      print(options.json, state, () => `${given} later`);
    });
}

function jumpCommand(): Command {
  return client(
    "jump",
    "set the wall clock forward or back, as a time server does; no time passes",
    "  asls board jump 2h --board virtual\n  asls board jump 400d --back --board virtual",
  )
    .argument("<duration>", "such as 90s, 30m, 8h or 7d")
    .option("--back", "back instead of forward")
    .action(async (given: string, options: JsonOption & { back?: boolean }, command: Command) => {
      const ms = durationMs(given) * (options.back === true ? -1 : 1);
      const state = await ask(command, "jumpClock", { ms });
      print(options.json, state, () => `the clock was set ${options.back === true ? "back" : "forward"} by ${given}`);
    });
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @throws AppError E_USAGE. */
function durationMs(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new AppError("E_USAGE", "give a duration such as 90s, 30m or 8h");
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function setCommand(): Command {
  return client(
    "set",
    "set readings of the virtual board; `fail` makes a probe fail",
    "  asls board set --temp 85 --board virtual\n  asls board set --mains off --battery 40 --board virtual",
  )
    .option("--temp <celsius>", "temperature of the processor")
    .option("--watts <watts>", "input power")
    .option("--mains <state>", "on or off")
    .option("--battery <percent>", "charge")
    .option("--memory-pressure <percent>", "share of time that tasks wait for memory")
    .option("--under-voltage <state>", "on or off")
    .action(async (options: SetOptions, command: Command) => {
      const { temp, watts, mains, battery, memoryPressure, underVoltage } = options;
      const set: string[] = [];
      const send = async <T>(
        given: string | undefined,
        parse: (text: string) => T,
        order: (value: T) => Promise<unknown>,
      ) => {
        if (given === undefined) return;
        await order(parse(given));
        set.push(given);
      };
      await send(temp, number, (celsius) => ask(command, "setTempC", { celsius }));
      await send(watts, number, (value) => ask(command, "setInputW", { watts: value }));
      await send(mains, onOff, (value) => ask(command, "setMains", { mains: value }));
      await send(battery, number, (percent) => ask(command, "setBattery", { percent }));
      await send(memoryPressure, number, (percent) => ask(command, "setMemoryPressure", { percent }));
      await send(underVoltage, onOff, (isUnderVoltage) =>
        ask(command, "setThrottle", { state: isUnderVoltage === null ? null : { isUnderVoltage, isSlowed: false } }),
      );
      if (set.length === 0) throw new AppError("E_USAGE", "say what to set: see `asls board set --help`");
      print(options.json, { set: set.length }, () => "set");
    });
}

/** Null for `fail`. @throws AppError E_USAGE. */
function number(text: string): number | null {
  if (text === "fail") return null;
  if (text.trim() === "" || !Number.isFinite(Number(text))) throw new AppError("E_USAGE", "give a number, or fail");
  return Number(text);
}

/** Null for `fail`. @throws AppError E_USAGE. */
function onOff(text: string): boolean | null {
  if (text === "fail") return null;
  if (text !== "on" && text !== "off") throw new AppError("E_USAGE", "give on, off or fail");
  return text === "on";
}
