import { execFileSync } from "node:child_process";
import { describe } from "vitest";

/** `describe`, or a skipped suite whose name says what the machine lacks. @param lacks null = nothing. */
export function describeWhen(lacks: string | null, name: string, suite: () => void): void {
  if (lacks === null) describe(name, suite);
  else describe.skip(`${name} (skipped: ${lacks})`, suite);
}

/** What a machine lacks when that program is not on its PATH, or null. */
export function lacksProgram(...names: readonly string[]): string | null {
  const missing = names.filter((name) => {
    try {
      execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? null : `${missing.join(" and ")} not installed`;
}
