import type { Command } from "commander";
import { type LoadedConfig, loadConfig } from "../runtime/config/load-config.ts";

/** Options every command takes, before or after its own. */
interface CommonOptions {
  readonly board?: string;
  readonly set?: readonly string[];
}

/** Adds `--board` and `--set` to a command. */
export function withCommonOptions(command: Command): Command {
  return command
    .option(
      "--board <profile>",
      "board profile: auto, virtual, rpi4, rpi5, jetson-orin, generic (also ASLS_BOARD_PROFILE)",
    )
    .option("--set <key=value>", "override one configuration key; may be repeated", collect, []);
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** `--board` and `--set` as `key=value`, in the order in which later ones win. */
function overridesOf(command: Command): string[] {
  const { board, set = [] } = command.optsWithGlobals<CommonOptions>();
  return [...(board === undefined ? [] : [`board.profile=${board}`]), ...set];
}

/** @throws AppError E_CONFIG_INVALID with every problem. */
export function configOf(command: Command): Promise<LoadedConfig> {
  return loadConfig({ overrides: overridesOf(command), env: process.env });
}

/** Aborts on Ctrl-C and SIGTERM, once; the second signal ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}

/** One line of JSON for scripts, or the text for people. */
export function print(json: boolean | undefined, data: unknown, text: () => string): void {
  process.stdout.write(`${json === true ? JSON.stringify(data) : text()}\n`);
}
