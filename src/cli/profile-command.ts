import { Command } from "commander";
import { exportAdapters } from "../adapt/adapter-export.ts";
import { makeAdapterStore } from "../composition/adaptation.ts";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { SystemClock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { silentLogger } from "../core/logger.ts";
import type { ProfileListing, ProfileSummary } from "../profile/ports.ts";
import { callService } from "../runtime/control/control-client.ts";
import type { ControlParams } from "../runtime/control/control-protocol.ts";
import { type ProfileMethod, profileOperations } from "../runtime/control/profile-operations.ts";
import { controlSocketPath } from "../runtime/control/socket-path.ts";
import { recordingsFolder, removeRecordings } from "../runtime/output/recordings.ts";
import type { ProfileExplanation } from "../runtime/service/explain-profile.ts";
import { openProfiles } from "../runtime/service/open-profiles.ts";
import { confirmOnTerminal } from "./confirm.ts";
import { configOf, print, withCommonOptions } from "./context.ts";
import { describeExplanation } from "./describe-explanation.ts";
import { describeProfile } from "./describe-profile.ts";
import { restoreCommand } from "./restore-command.ts";
import { rotateKeysCommand } from "./rotate-keys-command.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface ExportOptions extends JsonOption {
  readonly out?: string;
  readonly weights: boolean;
}

/** By the running service, which holds the database; without one the command opens the database itself. */
async function operate<M extends ProfileMethod>(
  command: Command,
  method: M,
  params: ControlParams<M>,
): Promise<unknown> {
  const { config } = await configOf(command);
  try {
    return await callService(controlSocketPath(config.paths.runtimeDir), method, params);
  } catch (error) {
    if (!isAppError(error, "E_SERVICE_NOT_RUNNING")) throw error;
  }
  await using profiles = await openProfiles(config, {
    clock: new SystemClock(),
    logger: silentLogger,
    env: process.env,
  });
  const log = silentLogger;
  const adapters = makeAdapterStore(config, { profiles, clock: new SystemClock(), log });
  const operations = profileOperations({
    ...profiles,
    onActiveChanged: () => {},
    exportAdapters: (profile, hasWeights) => exportAdapters(adapters, profile, hasWeights),
    onInteractionDeleted: async (interaction) => {
      const revoked: string[] = [];
      for (const id of await adapters.profiles()) {
        revoked.push(...(await adapters.revoke(id, (each) => each === interaction)).versions);
      }
      return revoked;
    },
    // The retained topic is deleted by the service at its next start: it remembers which ones it published.
    forget: async (profile) => {
      const receipt = await profiles.archive.forget(profile);
      const versions = await adapters.forget(profile);
      const recordings = await removeRecordings(recordingsFolder(config));
      return { ...receipt, adapters: versions, recordings, retainedTopics: 0 };
    },
  });
  return await operations[method](params);
}

function leaf(name: string, description: string): Command {
  return withCommonOptions(new Command(name).description(description)).option("--json", "print one JSON object");
}

/** `asls profile …`: everything kept about a person, for that person. */
export function profileCommand(): Command {
  const profile = new Command("profile")
    .description("see, correct, take along or erase what the device knows about you")
    .addHelpText(
      "after",
      "\nExamples:\n  asls profile show\n  asls profile export --out me.json\n" +
        '  asls profile fact edit f_12ab "The user\'s name is Sam." Sam\n  asls profile forget',
    );
  profile.addCommand(
    leaf("list", "all profiles on this device").action(async (options: JsonOption, command: Command) => {
      const listing = (await operate(command, "profileList", {})) as ProfileListing[];
      print(options.json, listing, () => listing.map(listLine).join("\n") || "no profile yet");
    }),
  );
  profile.addCommand(
    leaf("show", "facts, habits, feedback and consent of one profile")
      .argument("[profile]", "id; default: the active one")
      .action(async (id: string | undefined, options: JsonOption, command: Command) => {
        const summary = (await operate(command, "profileShow", { profile: id ?? null })) as ProfileSummary;
        print(options.json, summary, () => describeProfile(summary));
      }),
  );
  profile.addCommand(
    leaf("export", "everything as JSON, adapters included")
      .argument("[profile]", "id; default: the active one")
      .option("--out <file>", "write it there (mode 0600) instead of to standard output")
      .option("--no-weights", "leave the adapters' files out; their descriptions stay")
      .action(async (id: string | undefined, options: ExportOptions, command: Command) => {
        const request = { profile: id ?? null, weights: options.weights };
        const text = JSON.stringify(await operate(command, "profileExport", request), null, 2);
        if (options.out === undefined) process.stdout.write(`${text}\n`);
        else await writeFileAtomic(options.out, `${text}\n`);
      }),
  );
  profile.addCommand(
    leaf("create", "a new, empty profile with every consent off")
      .argument("[label]", "a name for your own list")
      .action(async (label: string | undefined, options: JsonOption, command: Command) => {
        const created = (await operate(command, "profileCreate", { label: label ?? null })) as { id: string };
        print(options.json, created, () => created.id);
      }),
  );
  profile.addCommand(
    leaf("select", "make a profile the active one")
      .argument("<profile>")
      .action(async (id: string, options: JsonOption, command: Command) => {
        print(options.json, await operate(command, "profileSelect", { profile: id }), () => `active: ${id}`);
      }),
  );
  profile.addCommand(
    leaf("explain", "what the assistant believes about you, from which interactions, and what that changed")
      .argument("[profile]", "id; default: the active one")
      .option("--all", "every interaction with its signals, and what each changed")
      .action(async (id: string | undefined, options: JsonOption & { all?: boolean }, command: Command) => {
        const { config } = await configOf(command);
        const socket = controlSocketPath(config.paths.runtimeDir);
        const explained = (await callService(socket, "profileExplain", { profile: id ?? null })) as ProfileExplanation;
        print(options.json, explained, () => describeExplanation(explained, options.all === true));
      }),
  );
  profile.addCommand(factCommand());
  profile.addCommand(retentionCommand());
  profile.addCommand(rotateKeysCommand());
  profile.addCommand(restoreCommand());
  profile.addCommand(
    leaf("delete", "delete one interaction, its feedback and the facts learned from it")
      .argument("<interaction>")
      .action(async (interaction: string, options: JsonOption, command: Command) => {
        print(
          options.json,
          await operate(command, "interactionDelete", { interaction }),
          () => `deleted ${interaction}`,
        );
      }),
  );
  profile.addCommand(
    leaf("forget", "erase a profile for good: key, interactions, feedback, facts, copies")
      .argument("[profile]", "id; default: the active one")
      .option("--yes", "do not ask")
      .action(async (id: string | undefined, options: JsonOption & { yes?: boolean }, command: Command) => {
        if (
          options.yes !== true &&
          !(await confirmOnTerminal("This cannot be undone. Type forget to go on: ", "forget"))
        ) {
          throw new AppError("E_ABORTED", "nothing was erased");
        }
        const receipt = await operate(command, "profileForget", { profile: id ?? null });
        print(options.json, receipt, () => `erased: ${JSON.stringify(receipt)}`);
      }),
  );
  return profile;
}

function retentionCommand(): Command {
  return leaf("retention", "how long your interactions are kept; expired ones are deleted as by `asls profile delete`")
    .argument("<days>", "whole days, `forever`, or `default` for profile.retentionDays")
    .argument("[profile]", "id; default: the active one")
    .action(async (given: string, id: string | undefined, options: JsonOption, command: Command) => {
      const days = given === "default" ? null : given === "forever" ? 0 : Number(given);
      if (days !== null && (!Number.isInteger(days) || days < 0 || given.trim() === "")) {
        throw new AppError("E_USAGE", "the time is a whole number of days, `forever` or `default`");
      }
      const result = await operate(command, "profileRetention", { profile: id ?? null, days });
      print(options.json, result, () => `kept: ${days === null ? "as configured" : given}`);
    });
}

function factCommand(): Command {
  const fact = new Command("fact").description("correct or delete what the device believes about you");
  fact.addCommand(
    leaf("edit", "rewrite a fact")
      .argument("<fact>", "id from `asls profile show`")
      .argument("<statement>", "the sentence that the language model is told")
      .argument("<value>", "the bare value, e.g. Sam")
      .action(async (id: string, statement: string, value: string, options: JsonOption, command: Command) => {
        print(options.json, await operate(command, "factEdit", { fact: id, statement, value }), () => `edited ${id}`);
      }),
  );
  fact.addCommand(
    leaf("delete", "delete a fact")
      .argument("<fact>")
      .action(async (id: string, options: JsonOption, command: Command) => {
        print(options.json, await operate(command, "factDelete", { fact: id }), () => `deleted ${id}`);
      }),
  );
  return fact;
}

function listLine({ id, label, isActive, interactionCount, factCount }: ProfileListing): string {
  return `${isActive ? "*" : " "} ${id}  ${label ?? "-"}  ${interactionCount} interactions, ${factCount} facts`;
}
