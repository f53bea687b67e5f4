import { type DestinationStream, pino, stdTimeFunctions } from "pino";
import type { Logger } from "../../core/logger.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "journald" | "json";

/** The fields of a line of level warn or above that say what it was about. No message: it stays in the log. */
export interface LoggedProblem {
  readonly level: "warn" | "error" | "fatal";
  readonly part: string | null;
  readonly code: string | null;
}

/** The service's logger with what may be changed and watched while it runs. */
export interface ServiceLog extends Logger {
  /** Least severe line that is written, by this logger and by all its children. */
  level: LogLevel;
  /** Called after each line of level warn or above was written. One watcher at a time. */
  onProblem: ((problem: LoggedProblem) => void) | null;
}

const WARN = 40;
const ERROR = 50;
const FATAL = 60;

/** syslog priorities of sd-daemon(3) by pino level number. */
function journaldPriority(level: number): number {
  if (level >= FATAL) return 2;
  if (level >= ERROR) return 3;
  if (level >= WARN) return 4;
  return level >= 30 ? 6 : 7;
}

/**
 * The service's logger: one JSON object a line on `out`. `journald` puts the `<N>` priority prefix of sd-daemon(3) in
 * front, so that `journalctl -p warning` works. Fields named like user text are redacted as a last line of defence.
 */
export function createLogger(level: LogLevel, format: LogFormat, out: NodeJS.WritableStream): ServiceLog {
  const destination: DestinationStream = {
    write(line: string): void {
      const number = Number(/"level":(\d+)/.exec(line)?.[1] ?? 30);
      out.write(format === "json" ? line : `<${journaldPriority(number)}>${line}`);
      if (number < WARN) return;
      try {
        log.onProblem?.(problemOf(line, number));
      } catch {
        // Whoever logs may be dealing with a failure already; logging this one would tell the same watcher.
      }
    },
  };
  const children: { level: string }[] = [];
  const root = pino(
    {
      level,
      base: null,
      timestamp: format === "json" ? stdTimeFunctions.isoTime : false,
      redact: {
        paths: ["text", "input", "answer", "transcript", "correction", "statement", "value"],
        censor: "[redacted]",
      },
      // Parts of the service, made once: a child keeps the level that it was made with.
      onChild: (child) => children.push(child),
    },
    destination,
  );
  const log: ServiceLog = {
    debug: (fields, message) => root.debug(fields, message),
    info: (fields, message) => root.info(fields, message),
    warn: (fields, message) => root.warn(fields, message),
    error: (fields, message) => root.error(fields, message),
    child: (fields) => root.child(fields),
    get level() {
      return root.level as LogLevel;
    },
    set level(next) {
      root.level = next;
      for (const child of children) child.level = next;
    },
    onProblem: null,
  };
  return log;
}

function problemOf(line: string, number: number): LoggedProblem {
  const fields: unknown = JSON.parse(line);
  const text = (name: string): string | null => {
    const value = typeof fields === "object" && fields !== null && name in fields ? Reflect.get(fields, name) : null;
    return typeof value === "string" ? value : null;
  };
  return {
    level: number >= FATAL ? "fatal" : number >= ERROR ? "error" : "warn",
    part: text("part"),
    code: text("code"),
  };
}
