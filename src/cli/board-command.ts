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

/** `asls board`: what the virtual board's sensors say. */
export function boardCommand(): Command {
  return new Command("board").description("the sensors of the virtual board").addCommand(setCommand());
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
