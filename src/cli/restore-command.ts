import { Command } from "commander";
import { AppError } from "../core/errors.ts";
import { type RestoreOutcome, restoreBackup } from "../profile/database-restore.ts";
import { profileDatabasePath } from "../runtime/service/open-profiles.ts";
import { configOf, print, withCommonOptions } from "./context.ts";

interface RestoreCommandOptions {
  readonly json?: boolean;
  readonly to?: string;
}

/** `asls profile restore-backup`: back to the copy that an update of the database left. The package runs it when it is rolled back. */
export function restoreCommand(): Command {
  return withCommonOptions(
    new Command("restore-backup").description("after going back to an older asls: back to the database it can read"),
  )
    .option("--to <version>", "the copy of this version of the schema, whatever is in use")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe newer database is kept as a copy of its own. Stop the service first.\n" +
        "\nExamples:\n  asls profile restore-backup\n  asls profile restore-backup --to 2\n",
    )
    .action(async (options: RestoreCommandOptions, command: Command) => {
      const { config } = await configOf(command);
      const outcome = await restoreBackup({ path: profileDatabasePath(config), version: versionOf(options.to) });
      print(options.json, outcome, () => describe(outcome));
    });
}

/** @throws AppError E_USAGE. */
function versionOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,4}$/.test(text)) throw new AppError("E_USAGE", `--to takes a whole number, not ${text}`);
  return Number(text);
}

function describe(outcome: RestoreOutcome): string {
  if (outcome.kind === "not_needed") return "the profile database is one that this asls reads";
  const { from, to, setAside, interactionsSetAside, withdrawals } = outcome;
  const since = interactionsSetAside === null ? "What was said since" : `${interactionsSetAside} interactions since`;
  return [
    `profile database: back from version ${from} to the copy of version ${to}.`,
    `${since} stayed in ${setAside}; with the newer asls, \`asls profile restore-backup --to ${from}\` brings them back.`,
    ...(withdrawals === 0 ? [] : [`Consents withdrawn since then, and here: ${withdrawals}.`]),
  ].join("\n");
}
