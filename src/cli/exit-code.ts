import { type AppError, type ErrorCode, toAppError } from "../core/errors.ts";

/** sysexits.h: EX_USAGE 64, EX_DATAERR 65, EX_NOINPUT 66, EX_UNAVAILABLE 69, EX_CANTCREAT 73, EX_CONFIG 78. */
const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  E_USAGE: 64,
  E_FILE_UNREADABLE: 66,
  E_SERVICE_NOT_RUNNING: 69,
  E_DISK_FULL: 73,
  E_FILE_UNWRITABLE: 73,
  E_CONFIG_INVALID: 78,
  // No restart mends it: systemd must not loop on it.
  E_DB_FROM_FUTURE: 78,
};

/** Exit status for an error: its sysexits.h code where one fits, else 1. 130 for a cancelled command, as a shell does. */
function exitCodeOf(error: AppError): number {
  return error.code === "E_ABORTED" ? 130 : (EXIT_CODES[error.code] ?? 1);
}

/** What a person reads on stderr: message, code, next step. */
export function describeError(thrown: unknown): { readonly text: string; readonly exitCode: number } {
  const error = toAppError(thrown, "E_INTERNAL", thrown instanceof Error ? thrown.message : "unknown failure");
  const internal = error.code === "E_INTERNAL" && error.cause instanceof Error ? `\n${error.cause.stack ?? ""}` : "";
  return { text: `asls: ${error.message} [${error.code}]\n  ${error.hint}${internal}`, exitCode: exitCodeOf(error) };
}
