import { spawn } from "node:child_process";
import { type Clock, delay } from "../core/clock.ts";
import { AppError, isAppError, isEnoent } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";

/** A child without a greeting that lives this long has begun its work, ms: what it cannot open it says at once. */
const SETTLED_MS = 150;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const MAX_DIAGNOSTIC_CHARS = 500;

export interface WatchedChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** What to install when the command is missing. */
  readonly packageName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Raw stdout, in order. */
  onData(chunk: Buffer): void;
  /** Called whenever a child has begun, also after a restart: state kept between chunks is void. */
  onStart(): void;
}

/**
 * Runs a child that reports for as long as the signal allows. Resolves once it has begun; should it end later (a device
 * unplugged), it is started again after 1 to 30 s.
 *
 * @throws AppError E_GPIO_UNAVAILABLE when it is missing or ends at once.
 */
export async function watchChild(options: WatchedChildOptions, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { ended } = await startChild(options, signal);
  void restartForEver(options, ended, signal);
}

async function restartForEver(
  options: WatchedChildOptions,
  first: Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, command } = options;
  let ended = first;
  for (let retryMs = FIRST_RETRY_MS; ; ) {
    const reason = await ended;
    if (signal.aborted) return;
    log.warn({ command, reason, next_ms: retryMs }, "gpio child ended");
    try {
      await delay(clock, retryMs, signal);
      ({ ended } = await startChild(options, signal));
      log.info({ command }, "gpio child is back");
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (signal.aborted) return;
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      ended = Promise.resolve(isAppError(error) ? error.message : "cannot be started");
    }
  }
}

interface Running {
  /** Why it ended; never rejects. */
  readonly ended: Promise<string>;
}

/** Resolves once the child has begun. */
async function startChild(options: WatchedChildOptions, signal: AbortSignal): Promise<Running> {
  const { command, args, clock } = options;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  let diagnostics = "";
  child.stderr.on("data", (part: Buffer) => {
    if (diagnostics.length < MAX_DIAGNOSTIC_CHARS) diagnostics += part.toString("utf8");
  });
  options.onStart();
  child.stdout.on("data", (chunk: Buffer) => {
    if (!signal.aborted) options.onData(chunk);
  });
  let notFound = false;
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => {
      notFound = isEnoent(error);
      resolve(notFound ? `${command} was not found` : `${command} cannot be started`);
    });
    child.once("close", (exitCode, signalName) =>
      resolve(diagnostics.trim().split("\n")[0] || `${command} ended with ${exitCode ?? signalName}`),
    );
  }).finally(() => signal.removeEventListener("abort", stop));
  const settling = new AbortController();
  const settled = delay(clock, SETTLED_MS, settling.signal).then(
    () => null,
    () => null,
  );
  const reason = await Promise.race([settled, ended]);
  settling.abort();
  if (reason === null || signal.aborted) return { ended };
  throw new AppError(
    "E_GPIO_UNAVAILABLE",
    reason,
    notFound ? { hint: `apt install ${options.packageName}` } : { hint: gpioHint(reason) },
  );
}

function gpioHint(reason: string): string {
  if (/permission denied/i.test(reason)) return "Add the service's user to the groups gpio and input.";
  if (/busy/i.test(reason)) return "Another program holds that line; `gpioinfo` shows which.";
  return "`asls doctor` shows what the board offers.";
}
