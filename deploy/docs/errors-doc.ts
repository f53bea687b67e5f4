import { ERROR_CODES } from "../../src/core/errors.ts";
import { markdownTable } from "./markdown.ts";

/** docs/errors.md, from the table of error codes. */
export function errorsDoc(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { retryable, nextStep }]) => [
    `\`${code}\``,
    retryable ? "yes" : "no",
    nextStep,
  ]);
  return `# Error codes

<!-- Generated from src/core/errors.ts by \`npm run docs\`; do not edit. -->

Logs, the command line, MQTT alerts and responses all use these codes. Retryable: the same thing may work later without
anyone changing anything.

${markdownTable(["code", "retryable", "what to do"], rows)}
`;
}
