import type * as v from "valibot";
import { wireName } from "../../src/runtime/mqtt/wire-codec.ts";
import { markdownTable } from "./markdown.ts";

type Schema = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly unknown[];
  readonly item?: Schema;
  readonly wrapped?: Schema;
  readonly literal?: unknown;
  readonly default?: unknown;
  readonly pipe?: readonly { readonly kind: string; readonly type: string; readonly requirement?: unknown }[];
};

/** Longest list of words that is written out; longer ones are described. */
const MAX_WORDS = 12;

/** One row per field of an object, nested ones as `model.name`; a sentence when there are none. */
export function fieldTable(schema: Schema): string {
  const rows = fieldRows(schema, "");
  return rows.length === 0 ? "No fields." : markdownTable(["field", "value"], rows);
}

function fieldRows(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.entries ?? {}).flatMap(([name, entry]) => {
    const path = prefix + wireName(name);
    const inner = entry.type === "nullable" ? entry.wrapped : entry;
    if (inner?.entries === undefined) return [[`\`${path}\``, schemaText(entry, name)]];
    const whole = [`\`${path}\``, entry.type === "nullable" ? "object or null" : "object"];
    return [whole, ...fieldRows(inner, `${path}.`)];
  });
}

/** A schema of payloads as a reader of the wire sees it, e.g. `whole number or null`. */
export function schemaText(schema: Schema, field = ""): string {
  switch (schema.type) {
    case "picklist":
      return wordList(schema.options ?? []);
    case "literal":
      return JSON.stringify(schema.literal);
    case "nullable":
      return `${wrappedText(schema, field)} or null`;
    case "optional":
      return `${wrappedText(schema, field)}${schema.default === undefined ? "" : ` (${JSON.stringify(schema.default)} when left out)`}`;
    case "array":
      return schema.item === undefined ? "list" : `list of: ${schemaText(schema.item, field)}`;
    case "number":
      return wireName(field) === field ? numberText(schema) : timeOrNumber(schema, field);
    case "string":
      return stringText(schema);
    default:
      return schema.type;
  }
}

function wrappedText(schema: Schema, field: string): string {
  return schema.wrapped === undefined ? "any" : schemaText(schema.wrapped, field);
}

function wordList(words: readonly unknown[]): string {
  if (words.every((word) => typeof word === "string" && word.startsWith("E_"))) return "error code";
  if (words.length > MAX_WORDS) return "text of docs/errors.md";
  return words.map((word) => JSON.stringify(word)).join(" or ");
}

function timeOrNumber(schema: Schema, field: string): string {
  return field.endsWith("Ms") && !wireName(field).endsWith("_ms") ? "ISO 8601 UTC" : numberText(schema);
}

function numberText(schema: Schema): string {
  return schema.pipe?.some(({ type }) => type === "integer") ? "whole number" : "number";
}

function stringText(schema: Schema): string {
  const longest = schema.pipe?.find(({ type }) => type === "max_length")?.requirement;
  const pattern = schema.pipe?.find(({ type }) => type === "regex")?.requirement;
  if (longest !== undefined) return `text of at most ${String(longest)} characters`;
  return pattern instanceof RegExp ? `\`${pattern.source}\`` : "text";
}
