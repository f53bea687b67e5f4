import { readFileSync } from "node:fs";
import * as v from "valibot";
import { packageRoot } from "../core/built-file.ts";

/** One field of a message or object, as src/adapt/trainer/protocol.json writes it. */
export interface ProtocolField {
  readonly type: "string" | "integer" | "number" | "boolean" | "object" | "array";
  readonly ref?: string;
  readonly items?: "string" | "integer" | "number" | "array" | "object";
  readonly required?: boolean;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly min?: number;
  readonly max?: number;
  readonly enum?: readonly string[];
  readonly doc: string;
}

export interface ProtocolShape {
  readonly doc: string;
  readonly fields: Readonly<Record<string, ProtocolField>>;
}

/** The table that both ends of the protocol are built from. */
export interface ProtocolTable {
  readonly version: number;
  readonly parent: Readonly<Record<string, ProtocolShape>>;
  readonly child: Readonly<Record<string, ProtocolShape>>;
  readonly objects: Readonly<Record<string, ProtocolShape>>;
  readonly errors: Readonly<
    Record<string, { readonly exit: number; readonly retryable: boolean; readonly next_step: string }>
  >;
}

/** Where the table lies; the C++ build embeds the same file. */
const protocolTablePath = `${packageRoot}src/adapt/trainer/protocol.json`;

/** The table, read once per process. */
export const protocolTable: ProtocolTable = JSON.parse(readFileSync(protocolTablePath, "utf8")) as ProtocolTable;

type Schema = v.GenericSchema<unknown, unknown>;

/** Validator of one message of that direction: `v`, `type` and the fields of the table, nothing else. */
export function messageSchema(direction: "parent" | "child", type: string): Schema | undefined {
  const shape = Object.hasOwn(protocolTable[direction], type) ? protocolTable[direction][type] : undefined;
  if (!shape) return undefined;
  return v.strictObject({
    v: v.literal(protocolTable.version),
    type: v.literal(type),
    ...fieldSchemas(shape),
  });
}

/** Validator of one object of the table, e.g. `example`. */
export function objectSchema(name: string): Schema {
  const shape = protocolTable.objects[name];
  if (!shape) throw new RangeError(`protocol.json has no object ${name}`);
  return v.strictObject(fieldSchemas(shape));
}

function fieldSchemas(shape: ProtocolShape): Record<string, Schema> {
  return Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, fieldSchema(field)]));
}

function fieldSchema(field: ProtocolField): Schema {
  const value = valueSchema(field);
  const nullable: Schema = field.nullable === true ? v.nullable(value) : value;
  return field.required === true ? nullable : v.optional(nullable);
}

function valueSchema(field: ProtocolField): Schema {
  switch (field.type) {
    case "string":
      return field.enum ? v.picklist(field.enum) : v.string();
    case "boolean":
      return v.boolean();
    case "integer":
      return bounded(field, true);
    case "number":
      return bounded(field, false);
    case "object":
      return objectSchema(field.ref ?? "");
    case "array":
      return v.array(itemSchema(field));
  }
}

function bounded(field: ProtocolField, isInteger: boolean): Schema {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = field;
  return v.pipe(
    v.number(),
    v.finite(),
    v.check((value) => !isInteger || Number.isSafeInteger(value), "must be an integer"),
    v.check((value) => value >= min && value <= max, `must be in [${min}, ${max}]`),
  );
}

/** Arrays of arrays are spans of positions: pairs of integers. */
function itemSchema(field: ProtocolField): Schema {
  switch (field.items) {
    case "string":
      return field.enum ? v.picklist(field.enum) : v.string();
    case "integer":
      return v.pipe(v.number(), v.safeInteger());
    case "number":
      return v.pipe(v.number(), v.finite());
    case "array":
      return v.strictTuple([v.pipe(v.number(), v.safeInteger()), v.pipe(v.number(), v.safeInteger())]);
    default:
      return objectSchema(field.ref ?? "");
  }
}
