import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { VERBS } from "../../src/runtime/mqtt/requests.ts";
import { topicTable } from "../../src/runtime/mqtt/topics.ts";
import { fromWire } from "../../src/runtime/mqtt/wire-codec.ts";

interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly topic?: string;
  readonly payload?: string;
  readonly props?: readonly { readonly p: string; readonly v?: string }[];
  readonly rules?: readonly { readonly p?: string; readonly to?: string }[];
  readonly wires?: readonly (readonly string[])[];
}

const flow = JSON.parse(await readFile(`${packageRoot}docs/examples/node-red-flow.json`, "utf8")) as FlowNode[];

/** The verb that a node puts on a message, with the payload beside it. */
function requestOf({ type, props = [], payload, rules = [] }: FlowNode): [verb: string, payload: string][] {
  if (type === "inject") return props.flatMap(({ p, v: verb }) => (p === "verb" ? [[verb ?? "", payload ?? ""]] : []));
  const set = (name: string) => rules.find(({ p }) => p === name)?.to;
  return set("verb") === undefined ? [] : [[set("verb") ?? "", set("payload") ?? ""]];
}

test("the Node-RED example listens to topics that the device publishes", () => {
  const known = topicTable().map(({ path }) => path.replace(/<[^>]+>/g, "+"));
  const heard = flow.flatMap(({ type, topic }) => (type === "mqtt in" && topic?.startsWith("asls/") ? [topic] : []));
  expect(heard.length).toBeGreaterThan(2);
  for (const topic of heard) {
    const path = topic.replace(/^asls\/\+\//, "");
    const fits = known.filter((each) => (path.endsWith("/#") ? each.startsWith(path.slice(0, -1)) : each === path));
    expect(fits, topic).not.toEqual([]);
  }
});

test("the Node-RED example asks for what the device and a dashboard's account may do", () => {
  const requests = flow.flatMap(requestOf);
  expect(requests.map(([verb]) => verb).sort()).toEqual(["power/set_mode", "power/set_mode", "training/start"]);
  for (const [verb, payload] of requests) {
    const row = VERBS[verb as keyof typeof VERBS];
    expect(row.dashboard).toBe(true);
    expect(v.is(row.request, fromWire(Buffer.from(payload)))).toBe(true);
  }
});

test("every wire of the Node-RED example leads to a node", () => {
  const ids = new Set(flow.map(({ id }) => id));
  expect(ids.size).toBe(flow.length);
  for (const to of flow.flatMap(({ wires = [] }) => wires.flat())) expect(ids).toContain(to);
});
