import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { type DiscoveryFacts, discoveryConfig } from "../../../src/runtime/homeassistant/discovery.ts";
import { ENTITIES } from "../../../src/runtime/homeassistant/entities.ts";
import { VERBS } from "../../../src/runtime/mqtt/requests.ts";
import { PUBLISHED, topicTable } from "../../../src/runtime/mqtt/topics.ts";
import { fromWire, wireName } from "../../../src/runtime/mqtt/wire-codec.ts";
import {
  DEVICE_KEYS,
  ORIGIN_KEYS,
  PLATFORM_KEYS,
  ROOT_KEYS,
  UPDATE_STATE_KEYS,
} from "../../support/homeassistant-keys.ts";

const FACTS: DiscoveryFacts = {
  baseTopic: "home/asls",
  deviceId: "0123456789ab",
  deviceName: "",
  version: "0.1.0",
  board: "rpi5",
  canMeasureInputPower: true,
  pageUrl: "http://192.0.2.10:8080/",
};
type Component = Record<string, unknown> & { readonly platform: string };
interface Config {
  readonly device: object;
  readonly origin: object;
  readonly availability: readonly { readonly topic: string }[];
  readonly components: Readonly<Record<string, Component>>;
}
const configOf = (changes: Partial<DiscoveryFacts> = {}) => discoveryConfig({ ...FACTS, ...changes }) as Config;
const keysOf = (value: object) => new Set(Object.keys(value));

test("a board that cannot measure its input power has no such entity, and one without a page no address", () => {
  const { components, device } = configOf({ canMeasureInputPower: false, pageUrl: null });
  expect(Object.keys(configOf().components).filter((key) => !(key in components))).toEqual(["input_power"]);
  expect("configuration_url" in device).toBe(false);
});

test("names: an owner's name for the device is taken, and exactly one entity has the device's", () => {
  expect(configOf({ deviceName: "Kitchen" }).device).toMatchObject({ name: "Kitchen" });
  expect(configOf().device).toMatchObject({ name: "asls 0123" });
  const names = Object.values(configOf().components).map(({ name }) => name);
  expect(names.filter((name) => name === null)).toHaveLength(1);
  expect(new Set(names).size).toBe(names.length);
});

describe("against Home Assistant's own schemas", () => {
  test("root, device and origin have no key that it refuses", () => {
    const config = configOf();
    expect([...keysOf(config)].filter((key) => !ROOT_KEYS.has(key))).toEqual([]);
    expect([...keysOf(config.device)].filter((key) => !DEVICE_KEYS.has(key))).toEqual([]);
    expect([...keysOf(config.origin)].filter((key) => !ORIGIN_KEYS.has(key))).toEqual([]);
  });

  test.each(Object.entries(configOf().components))(
    "%s has the keys that its platform takes and needs",
    (key, entity) => {
      const known = PLATFORM_KEYS[entity.platform];
      expect(known, key).toBeDefined();
      expect(Object.keys(entity).filter((name) => known?.allowed.has(name) !== true)).toEqual([]);
      expect(known?.required.filter((name) => !(name in entity))).toEqual([]);
      expect(entity.unique_id).toMatch(/^[a-zA-Z0-9_-]+$/);
      // `config` is for what one can set, `diagnostic` for what one cannot.
      if (entity.entity_category === "config") expect(entity).toHaveProperty("command_topic");
      if (entity.entity_category === "diagnostic") expect(entity).not.toHaveProperty("command_topic");
      // An enum sensor needs its options; a measurement its unit or precision.
      if (entity.device_class === "enum") expect(entity.options).not.toHaveLength(0);
    },
  );
});

type Node = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, Node>>;
  readonly wrapped?: Node;
};

/** The field of a payload by its names on the wire; undefined when there is none. */
function fieldOf(schema: Node, path: readonly string[]): Node | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return schema;
  const inner = schema.wrapped ?? schema;
  const found = Object.entries(inner.entries ?? {}).find(([key]) => wireName(key) === name);
  return found === undefined ? undefined : fieldOf(found[1], rest);
}

describe("against the device's own tables", () => {
  const topics = new Set(topicTable().map(({ path }) => `home/asls/0123456789ab/${path}`));
  const { components, availability } = configOf();

  test("every topic that it names is one of the device's", () => {
    const named = Object.values(components).flatMap(({ state_topic, command_topic }) => [state_topic, command_topic]);
    for (const topic of [...named, ...availability.map(({ topic }) => topic)]) {
      if (topic !== undefined) expect(topics).toContain(topic);
    }
  });

  test.each(ENTITIES.filter(({ template }) => template !== undefined))(
    "$key: every field of its template is one of the topic's payload",
    ({ state, template = "" }) => {
      expect(state).toBeDefined();
      const fields = [...template.matchAll(/value_json\.([a-z_]+(?:\.[a-z_]+)*)/g)].map(([, path = ""]) => path);
      expect(fields.length).toBeGreaterThan(0);
      for (const path of fields) {
        expect(fieldOf(PUBLISHED[state ?? "state"].payload, path.split(".")), path).toBeDefined();
      }
    },
  );

  test("a field that is not in the payload would be found", () => {
    expect(fieldOf(PUBLISHED.power.payload, ["soc_temp_f"])).toBeUndefined();
    expect(fieldOf(PUBLISHED.info.payload, ["model", "quant"])).toBeDefined();
  });

  test("events and enums list exactly what the payload can say", () => {
    for (const { key, platform, state = "state", options = {}, template } of ENTITIES) {
      if (platform === "event") {
        const type = fieldOf(PUBLISHED[state].payload, ["event_type"]);
        expect((type as v.PicklistSchema<string[], undefined>).options, key).toEqual(options.event_types);
      }
      if (options.device_class === "enum") {
        const path = /value_json\.([a-z_]+)/.exec(template ?? "")?.[1] ?? "";
        const field = fieldOf(PUBLISHED[state].payload, [path]);
        expect((field as v.PicklistSchema<string[], undefined>).options, key).toEqual(options.options);
      }
    }
  });

  test("what buttons and switches send passes the request's schema, as does what templates make of a value", () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const values: Record<string, unknown> = { mode: "quiet", daily_wh: 12, log_level: "debug", text: "hello" };
    for (const { key, command, options = {} } of ENTITIES) {
      if (command === undefined) continue;
      const fixed = ["payload_press", "payload_on", "payload_off", "payload_install"].flatMap((name) => {
        const value = options[name];
        return typeof value === "string" ? [value] : [];
      });
      const named = /\{'([a-z_]+)': value\}/.exec(String(options.command_template ?? ""))?.[1];
      const payloads = named === undefined ? fixed : [JSON.stringify({ [named]: values[named] })];
      expect(payloads.length, key).toBeGreaterThan(0);
      for (const payload of payloads) {
        expect(v.safeParse(VERBS[command].request, fromWire(bytes(payload))).success, `${key} ${payload}`).toBe(true);
      }
    }
  });

  test("the update entity's template makes only keys that Home Assistant takes", () => {
    const { template = "" } = ENTITIES.find(({ platform }) => platform === "update") ?? {};
    const made = [...template.matchAll(/'([a-z_]+)':/g)].map(([, name]) => name ?? "");
    expect(made).toContain("installed_version");
    expect(made.filter((name) => !UPDATE_STATE_KEYS.has(name))).toEqual([]);
  });
});
