import { Command } from "commander";
import { SystemClock, withDeadline } from "../core/clock.ts";
import { isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { configOf, withCommonOptions } from "./context.ts";

/** The whole stop, ms; each part has its own deadline inside it. */
const STOP_MS = 9_000;
const CRASH_STOP_MS = 5_000;
/** How long a service that did not start may take to be gone, ms. */
const LINGER_MS = 2_000;

/** `asls run`: the service, in the foreground, as systemd or a terminal runs it. */
export function runCommand(): Command {
  return withCommonOptions(new Command("run").description("run the service in the foreground until SIGTERM or Ctrl-C"))
    .addHelpText(
      "after",
      "\nExamples:\n  asls run\n  asls run --board virtual --set log.format=json\n  asls run --set mqtt.url=mqtt://broker.lan\n",
    )
    .action(async (_options: object, command: Command) => {
      process.exitCode = await runUntilStopped(command);
    });
}

/** @returns the exit code. @throws AppError when the service could not be composed or started. */
async function runUntilStopped(command: Command): Promise<number> {
  const loaded = await configOf(command);
  const { createLogger } = await import("../runtime/service/log.ts");
  const { connectServiceManager } = await import("../runtime/service/systemd-notify.ts");
  const { composeService } = await import("../main.ts");
  const log = createLogger(loaded.config.log.level, loaded.config.log.format, process.stdout);
  for (const warning of loaded.warnings) log.warn({ warning }, "configuration");
  const manager = await connectServiceManager(process.env, process.pid, log);
  const service = await composeService({ loaded, log, manager, env: process.env });
  const abort = new AbortController();
  const ended = endOfService(log, service.exitRequested);
  void ended.then(() => abort.abort());
  try {
    await service.start(abort.signal);
    // composing and starting leave garbage that V8 would keep, since the idle service hardly allocates
    globalThis.gc?.();
    // For who started it by hand; a log must not hold the token.
    if (process.stdout.isTTY && service.dashboard !== null) {
      process.stdout.write(`\nDashboard: ${service.dashboard.signInUrl}\n\n`);
    }
  } catch (error) {
    if (!(abort.signal.aborted && isAppError(error))) {
      // A part that missed its deadline may still start, and would keep a process that serves nothing.
      setTimeout(() => process.exit(), LINGER_MS).unref();
      throw error;
    }
  }
  const { exitCode, stopMs } = await ended;
  const left = await withDeadline(new SystemClock(), stopMs, "stopping the service", service.stop()).catch(() => [
    "all",
  ]);
  log.info({ exit_code: exitCode, left }, "stopped");
  // Native threads of an engine that did not stop in time must not keep the process.
  if (left.length > 0) process.exit(exitCode === 0 ? 1 : exitCode);
  return exitCode;
}

interface End {
  readonly exitCode: number;
  readonly stopMs: number;
}

/** The first reason to end: a signal (a second one ends the process at once), a crash, or the service's own wish. */
function endOfService(log: Logger, exitRequested: Promise<number>): Promise<End> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      if (signals > 1) process.exit(1);
      log.info({ signal }, "stopping");
      resolve({ exitCode: 0, stopMs: STOP_MS });
    };
    const onCrash = (thrown: unknown) => {
      const code = isAppError(thrown) ? thrown.code : "E_INTERNAL";
      log.error({ code, stack: thrown instanceof Error ? thrown.stack : undefined }, "unexpected failure, stopping");
      resolve({ exitCode: 1, stopMs: CRASH_STOP_MS });
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    process.on("uncaughtException", onCrash);
    process.on("unhandledRejection", onCrash);
    void exitRequested.then((exitCode) => resolve({ exitCode, stopMs: STOP_MS }));
  });
}
