import { Command } from "commander";
import { configText, describeConfig } from "../runtime/config/describe-config.ts";
import { configOf, print, withCommonOptions } from "./context.ts";

interface JsonOption {
  readonly json?: boolean;
}

/** `asls config print` and `asls config check`; both fail with E_CONFIG_INVALID (exit code 78) listing every problem. */
export function configCommand(): Command {
  const printCommand = new Command("print")
    .description("show every key with its value and where the value comes from; secrets stay hidden")
    .option("--json", "one JSON object: {key: {value, layer, where}}")
    .addHelpText(
      "after",
      "\nExamples:\n  asls config print | grep vad\n  asls config print --json --set vad.threshold=0.6\n",
    )
    .action(async (options: JsonOption, command: Command) => {
      const described = describeConfig(await configOf(command));
      const data = Object.fromEntries(described.map(({ key, value, source }) => [key, { value, ...source }]));
      print(options.json, data, () => configText(described));
    });
  const checkCommand = new Command("check")
    .description("read and check the configuration as `asls run` would, and start nothing")
    .option("--json", "one JSON object: {valid, board, hash, set, warnings}")
    .addHelpText("after", "\nExample:\n  asls config check && systemctl restart asls\n")
    .action(async (options: JsonOption, command: Command) => {
      const loaded = await configOf(command);
      const set = describeConfig(loaded).filter(({ source }) => source.layer !== "default").length;
      const data = { valid: true, board: loaded.board.name, hash: loaded.hash, set, warnings: loaded.warnings };
      print(options.json, data, () =>
        [
          `valid: board ${loaded.board.name}, ${set} keys set by files, board, environment or flags, hash ${loaded.hash}`,
          ...loaded.warnings.map((warning) => `warning: ${warning}`),
        ].join("\n"),
      );
    });
  return new Command("config")
    .description("show or check the configuration")
    .addCommand(withCommonOptions(printCommand))
    .addCommand(withCommonOptions(checkCommand));
}
