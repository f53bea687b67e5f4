import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { VERBS } from "../../../src/runtime/mqtt/requests.ts";
import { topicTable } from "../../../src/runtime/mqtt/topics.ts";
import { fromWire, toWire, wireName } from "../../../src/runtime/mqtt/wire-codec.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("to the wire", () => {
  test("names become snake_case at every depth and wall-clock fields ISO 8601 UTC", () => {
    expect(
      JSON.parse(toWire({ sinceMs: 0, atMs: 1_000, latencyMs: 5, model: { configHash: "x" }, list: [{ aB: 1 }] })),
    ).toEqual({
      since: "1970-01-01T00:00:00.000Z",
      at: "1970-01-01T00:00:01.000Z",
      latency_ms: 5,
      model: { config_hash: "x" },
      list: [{ a_b: 1 }],
    });
  });

  test("every request field of the table comes back from its wire name as itself", () => {
    for (const { request } of Object.values(VERBS)) {
      for (const field of Object.keys(request.entries)) {
        expect(Object.keys(fromWire(bytes(JSON.stringify({ [wireName(field)]: 1 }))))).toEqual([field]);
      }
    }
  });
});

describe("from the wire", () => {
  test("an empty payload is an empty object", () => {
    expect(fromWire(new Uint8Array())).toEqual({});
  });

  test.each(["{", "null", "[]", '"x"', "3", '{"camelCase":1}', '{"__proto__":1}', '{"a__b":1}', "\u0000"])(
    "%s is refused with E_REQUEST_INVALID that quotes nothing of it",
    (payload) => {
      let thrown: unknown;
      try {
        fromWire(bytes(payload));
      } catch (error) {
        thrown = error;
      }
      expect(isAppError(thrown, "E_REQUEST_INVALID")).toBe(true);
      expect(thrown instanceof Error ? thrown.cause : null).toBeUndefined();
    },
  );
});

type Node = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, Node>>;
  readonly item?: Node;
  readonly wrapped?: Node;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
};

/** Paths of strings, inside a schema, that a sentence with an apostrophe and a comma would pass. */
function freeTexts(node: Node, path: string): string[] {
  const inner = [...Object.entries(node.entries ?? {}), ...(node.item ? [["[]", node.item] as const] : [])];
  if (node.wrapped) return freeTexts(node.wrapped, path);
  if (node.type === "object" || node.type === "loose_object" || node.type === "any" || node.type === "unknown")
    return [path];
  if (node.type === "string" && v.is(node, "call me Sam, I'm allergic to nuts")) return [path];
  return inner.flatMap(([name, child]) => freeTexts(child, `${path}.${name}`));
}

describe("privacy", () => {
  test("no published payload has a place for free text; the only one is the text of a say request, inbound", () => {
    const found = topicTable().flatMap((row) => freeTexts(row.payload, `${row.direction} ${row.path}`));
    expect(found).toEqual(["received request/say.text"]);
  });

  test("a schema with a free string or an open object would be found", () => {
    expect(freeTexts(v.strictObject({ a: v.nullable(v.string()) }), "x")).toEqual(["x.a"]);
    expect(freeTexts(v.strictObject({ a: v.array(v.looseObject({})) }), "x")).toEqual(["x.a.[]"]);
  });
});
