import { pino, stdTimeFunctions } from "pino";
import type { Logger } from "../../core/logger.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "journald" | "json";

/** syslog priorities of sd-daemon(3) by pino level number. */
function journaldPriority(level: number): number {
  if (level >= 60) return 2;
  if (level >= 50) return 3;
  if (level >= 40) return 4;
  return level >= 30 ? 6 : 7;
}

/**
 * The service's logger: one JSON object a line on `out`. `journald` puts the `<N>` priority prefix of sd-daemon(3) in
 * front, so that `journalctl -p warning` works. Fields named like user text are redacted as a last line of defence.
 */
export function createLogger(level: LogLevel, format: LogFormat, out: NodeJS.WritableStream): Logger {
  const destination = {
    write(line: string): void {
      if (format === "json") {
        out.write(line);
        return;
      }
      const match = /"level":(\d+)/.exec(line);
      out.write(`<${journaldPriority(Number(match?.[1] ?? 30))}>${line}`);
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: format === "json" ? stdTimeFunctions.isoTime : false,
      redact: {
        paths: ["text", "input", "answer", "transcript", "correction", "statement", "value"],
        censor: "[redacted]",
      },
    },
    destination,
  );
}
