#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { adapterCommand } from "./cli/adapter-command.ts";
import { boardCommand } from "./cli/board-command.ts";
import { configCommand } from "./cli/config-command.ts";
import { consentCommand } from "./cli/consent-command.ts";
import { dashboardCommand } from "./cli/dashboard-command.ts";
import { demoCommand } from "./cli/demo-command.ts";
import { doctorCommand } from "./cli/doctor-command.ts";
import { describeError } from "./cli/exit-code.ts";
import { governorCommand } from "./cli/governor-command.ts";
import { modelCommand } from "./cli/model-command.ts";
import { mqttCommand } from "./cli/mqtt-command.ts";
import { profileCommand } from "./cli/profile-command.ts";
import { runCommand } from "./cli/run-command.ts";
import {
  feedbackCommand,
  guestCommand,
  learningCommand,
  listenCommand,
  muteCommand,
  pressCommand,
  sayCommand,
  statusCommand,
  watchCommand,
} from "./cli/service-commands.ts";
import { trainCommand } from "./cli/train-command.ts";
import { packageRoot } from "./core/built-file.ts";

/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_CODE = 64;

async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(`${packageRoot}package.json`, "utf8")) as { version: string };
  // Whoever reads us (head, grep -m1) may have had enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  const program = new Command("asls")
    .description("a private voice assistant that learns from its user on the board")
    .version(version)
    .enablePositionalOptions()
    .exitOverride();
  for (const make of [
    runCommand,
    demoCommand,
    doctorCommand,
    sayCommand,
    listenCommand,
    pressCommand,
    feedbackCommand,
    muteCommand,
    learningCommand,
    statusCommand,
    watchCommand,
    consentCommand,
    guestCommand,
    profileCommand,
    modelCommand,
    trainCommand,
    adapterCommand,
    governorCommand,
    dashboardCommand,
    boardCommand,
    mqttCommand,
    configCommand,
  ]) {
    program.addCommand(inheritExit(make()));
  }
  try {
    await program.parseAsync(argv);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
      return;
    }
    const { text, exitCode } = describeError(thrown);
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
}

/** Commands made elsewhere do not inherit `exitOverride` when they are added. */
function inheritExit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
  return command;
}

await main(process.argv);
