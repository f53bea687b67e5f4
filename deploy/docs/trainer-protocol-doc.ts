import { type ProtocolField, type ProtocolShape, protocolTable } from "../../src/adapt/protocol-table.ts";
import { markdownTable } from "./markdown.ts";

/** docs/trainer-protocol.md, from the table that both ends are built from. */
export function trainerProtocolDoc(): string {
  const { version, parent, child, objects, errors } = protocolTable;
  const errorRows = Object.entries(errors).map(([code, { exit, retryable, next_step }]) => [
    `\`${code}\``,
    `${exit}`,
    retryable ? "yes" : "no",
    next_step,
  ]);
  return `# The trainer's protocol, version ${version}

<!-- Generated from src/adapt/trainer/protocol.json by \`npm run docs\`; do not edit. -->

\`asls-trainer\` is told what to do on its standard input and answers on its standard output, one JSON object a line, each
with \`"v": ${version}\` and \`"type"\`; its log is on standard error. Both ends refuse a message or field that is not in these
tables. What the service makes of it (deadlines, restarts, freezing) is in [trainer.md](trainer.md).

## Orders to the trainer

${shapes(parent)}

## Messages of the trainer

${shapes(child)}

## Objects

${shapes(objects)}

## Errors

The exit code is that of the \`error\` message, 0 after \`done\`. Every code is in [errors.md](errors.md) too.

${markdownTable(["code", "exit code", "retryable", "what to do"], errorRows)}
`;
}

function shapes(table: Readonly<Record<string, ProtocolShape>>): string {
  return Object.entries(table)
    .map(([name, { doc, fields }]) => [`### ${name}`, doc, ...fieldTable(fields)].join("\n\n"))
    .join("\n\n");
}

function fieldTable(fields: Readonly<Record<string, ProtocolField>>): string[] {
  const rows = Object.entries(fields).map(([name, field]) => [
    `\`${name}\``,
    typeText(field),
    presenceText(field),
    field.doc,
  ]);
  return rows.length === 0 ? [] : [markdownTable(["field", "type", "given", "meaning"], rows)];
}

function typeText(field: ProtocolField): string {
  const { type, ref, items, min, max } = field;
  const base = ref ? `[${ref}](#${ref})` : type === "array" ? `array of ${field.enum ? "names" : items}` : type;
  const names = field.enum ? [field.enum.map((name) => `\`${name}\``).join(" ")] : [];
  const range = min === undefined && max === undefined ? [] : [`${min ?? "…"} to ${max ?? "…"}`];
  return [base, ...names, ...range, ...(field.nullable === true ? ["or null"] : [])].join(", ");
}

function presenceText(field: ProtocolField): string {
  if (field.required === true) return "always";
  return field.default === undefined ? "optional" : `default \`${JSON.stringify(field.default)}\``;
}
