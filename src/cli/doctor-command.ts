import { Command } from "commander";
import { SystemClock } from "../core/clock.ts";
import { configOf, withCommonOptions } from "./context.ts";
import { describeFinding, type Finding, findingOf } from "./doctor/check.ts";

/** `asls doctor`: looks at every part for real; exit code 1 when one does not work. */
export function doctorCommand(): Command {
  return withCommonOptions(new Command("doctor").description("check every part of this device and say what to do next"))
    .option("--json", "one JSON object: {ok, findings[]}")
    .addHelpText("after", "\nExamples:\n  asls doctor\n  asls doctor --board virtual --json")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const loaded = await configOf(command);
      const { doctorChecks } = await import("./doctor/checks.ts");
      const findings: Finding[] = [];
      for (const check of doctorChecks(loaded, new SystemClock())) {
        const finding = await findingOf(check);
        findings.push(finding);
        if (json !== true) process.stdout.write(`${describeFinding(finding)}\n`);
      }
      const isOk = findings.every(({ status }) => status !== "fail");
      if (json === true) process.stdout.write(`${JSON.stringify({ ok: isOk, findings })}\n`);
      process.exitCode = isOk ? 0 : 1;
    });
}
