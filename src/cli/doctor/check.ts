import { type AppError, isAppError, toAppError } from "../../core/errors.ts";

/** What one look at a part found. `warn` works but is not what a finished appliance has. */
export interface Finding {
  readonly part: string;
  readonly status: "ok" | "warn" | "fail";
  /** One sentence; no user text. */
  readonly detail: string;
  /** What to do about it; null when ok. */
  readonly nextStep: string | null;
}

export interface Check {
  readonly part: string;
  /** Resolves with what is good to know, or with a warning; throws an AppError when the part does not work. */
  look(signal: AbortSignal): Promise<string | { readonly warning: string; readonly nextStep: string }>;
}

const CHECK_MS = 60_000;

/** Runs one check; whatever it throws becomes a finding. */
export async function findingOf(check: Check): Promise<Finding> {
  const { part } = check;
  try {
    const result = await check.look(AbortSignal.timeout(CHECK_MS));
    if (typeof result === "string") return { part, status: "ok", detail: result, nextStep: null };
    return { part, status: "warn", detail: result.warning, nextStep: result.nextStep };
  } catch (thrown) {
    const error: AppError = isAppError(thrown) ? thrown : toAppError(thrown, "E_INTERNAL", "the check itself failed");
    return { part, status: "fail", detail: `${error.message} [${error.code}]`, nextStep: error.hint };
  }
}

const MARKS: Readonly<Record<Finding["status"], string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

/** One line per part, the next step below it. */
export function describeFinding({ part, status, detail, nextStep }: Finding): string {
  const line = `${MARKS[status]}  ${part.padEnd(14)} ${detail}`;
  return nextStep === null ? line : `${line}\n      ${"".padEnd(14)} -> ${nextStep}`;
}
