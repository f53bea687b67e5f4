import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decimalNumber,
  integer,
  integerOrNone,
  oneOf,
  oneOfOrOff,
  path,
  text,
  url,
  yesNo,
} from "../../../src/runtime/config/config-key.ts";
import { CONFIG_KEYS, envNameOf, newConvict } from "../../../src/runtime/config/schema.ts";

const doc = "for the test";
const whole = integer({ min: 0, max: 100, default: 5, doc });

describe("text from the environment or --set", () => {
  test("12abc, 1.5, 0x10 and empty text are no whole numbers; 12 and 1e1 are", () => {
    for (const wrong of ["12abc", "1.5", "0x10", "", " ", "NaN", "Infinity", "-1", "101"]) {
      expect(whole.accepted(whole.fromText(wrong)), wrong).toBe(false);
    }
    expect([whole.fromText("12"), whole.fromText("1e1")]).toEqual([12, 10]);
  });

  test("every number survives the way through text", () => {
    const number = decimalNumber({ min: -1e300, max: 1e300, default: 0, doc });
    fc.assert(
      fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), (value) => {
        const back = number.fromText(String(value));
        return number.accepted(back) && back === value;
      }),
    );
  });

  test("no, off and 0 are false, yes, on and 1 are true, anything else is refused", () => {
    const key = yesNo({ default: true, doc });
    expect(["no", "OFF", "0", "false"].map((word) => key.fromText(word))).toEqual([false, false, false, false]);
    expect(["yes", "On", "1", "TRUE"].map((word) => key.fromText(word))).toEqual([true, true, true, true]);
    expect(key.accepted(key.fromText("perhaps"))).toBe(false);
  });

  test("none stands for null where a line may be missing and for false where a feature may be off", () => {
    const line = integerOrNone({ min: 0, max: 10, default: null, doc });
    expect([line.fromText("none"), line.fromText("3")]).toEqual([null, 3]);
    const gpu = oneOfOrOff(["cuda"], { default: false, doc });
    expect(["none", "off", "false", "cuda"].map((word) => gpu.fromText(word))).toEqual([false, false, false, "cuda"]);
  });
});

test("a value of another type is refused, also when its text would fit", () => {
  expect(whole.accepted("5")).toBe(false);
  expect(oneOf(["1"], { default: "1", doc }).accepted(1)).toBe(false);
  expect(text({ default: "", doc }).accepted(5)).toBe(false);
  expect(yesNo({ default: true, doc }).accepted("true")).toBe(false);
});

test("text with control characters or beyond 500 characters, and paths with NUL, are refused", () => {
  const key = text({ default: "", doc });
  expect(key.accepted("x".repeat(500))).toBe(true);
  for (const wrong of ["x".repeat(501), "two\nlines", "\u001b[31m"]) expect(key.accepted(wrong)).toBe(false);
  expect(path({ default: "", doc }).accepted("/a\0b")).toBe(false);
});

test("a URL needs one of the schemes and a host, and holds no password", () => {
  const key = url(["mqtt", "mqtts"], { default: "", doc });
  for (const right of ["", "mqtt://host", "mqtts://[::1]:8883"]) expect(key.accepted(right), right).toBe(true);
  for (const wrong of ["host", "http://host", "mqtt://", "mqtt://user@host", "mqtt://u:p@host"]) {
    expect(key.accepted(wrong), wrong).toBe(false);
  }
});

describe("the schema", () => {
  test("every default is accepted by its own key, and convict agrees", () => {
    for (const [name, key] of CONFIG_KEYS) expect(key.accepted(key.default), name).toBe(true);
    expect(() => newConvict().validate({ allowed: "strict" })).not.toThrow();
  });

  test("convict refuses a wrong value and an unknown key, so it does see our formats", () => {
    expect(() =>
      newConvict()
        .load({ vad: { threshold: 7 } })
        .validate({ allowed: "strict" }),
    ).toThrow(/vad\.threshold/);
    expect(() =>
      newConvict()
        .load({ vad: { nonsense: 7 } })
        .validate({ allowed: "strict" }),
    ).toThrow(/vad\.nonsense/);
  });

  test("every key has a sentence of documentation and an environment variable of its own", () => {
    const names = [...CONFIG_KEYS.keys()].map(envNameOf);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^ASLS(_[A-Z0-9]+)+$/);
    for (const [name, key] of CONFIG_KEYS) expect(key.doc, name).toMatch(/^\S.{10,}\.$/);
  });

  test("whatever can hold a secret is marked sensitive", () => {
    const secret = [...CONFIG_KEYS].filter(([name]) => /password$|token$|secret$/i.test(name));
    expect(secret.map(([name, key]) => [name, key.sensitive])).toEqual([["mqtt.password", true]]);
  });
});
