import { Command } from "commander";
import { callService } from "../runtime/control/control-client.ts";
import type { ControlMethod, ControlParams } from "../runtime/control/control-protocol.ts";
import { controlSocketPath } from "../runtime/control/socket-path.ts";
import { configOf, interruptSignal, withCommonOptions } from "./context.ts";

/** Asks the running service; the CLI's own options are not part of the request. */
export async function ask<M extends ControlMethod>(
  command: Command,
  method: M,
  params: ControlParams<M>,
  onEvent: (event: string, data: unknown) => void = () => {},
): Promise<unknown> {
  const { config } = await configOf(command);
  const socket = controlSocketPath(config.paths.runtimeDir);
  // A turn may wait for the end of another one.
  const silenceMs = method === "say" ? 2 * config.dialog.turnTimeoutMs : null;
  return callService(socket, method, params, { onEvent, signal: interruptSignal(), silenceMs });
}

/** What every command of the service takes. */
export interface JsonOption {
  readonly json?: boolean;
}

/** A command that talks to the running service. */
export function client(name: string, description: string, examples: string): Command {
  return withCommonOptions(new Command(name).description(description))
    .option("--json", "print one JSON object")
    .addHelpText("after", `\nExamples:\n${examples}`);
}
