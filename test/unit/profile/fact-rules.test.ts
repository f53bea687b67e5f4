import { describe, expect, test } from "vitest";
import { forgetTopic, isAbout, replaces } from "../../../src/profile/fact-rules.ts";
import type { FactKind } from "../../../src/profile/ports.ts";

const fact = (kind: FactKind, value: string, statement = "") => ({ kind, value, statement });

describe("replaces", () => {
  test.each([
    [fact("name", "Sam"), fact("name", "Jo"), true],
    [fact("answer_length", "short"), fact("answer_length", "long"), true],
    [fact("unit", "celsius"), fact("unit", "fahrenheit"), true],
    [fact("unit", "celsius"), fact("unit", "miles"), false],
    [fact("preference", "jazz"), fact("preference", "The Jazz"), true],
    [fact("preference", "jazz"), fact("preference", "rock"), false],
    [fact("preference", "favourite colour: green"), fact("preference", "favourite colour: red"), true],
    [fact("preference", "favourite colour: green"), fact("preference", "favourite band: green"), false],
    [fact("health", "nuts"), fact("preference", "nuts"), false],
  ])("%o against %o: %s", (fresh, old, expected) => {
    expect(replaces(fresh, old)).toBe(expected);
  });
});

describe("isAbout", () => {
  const likesJazz = fact("preference", "jazz", "The user likes jazz.");
  const allergic = fact("health", "nuts", "The user is allergic to nuts.");

  test.each([
    ["that i like jazz", likesJazz, true],
    ["jazz", likesJazz, true],
    ["that i like rock", likesJazz, false],
    ["my allergies", allergic, true],
    ["my allergies", likesJazz, false],
    ["that i am allergic to a nut", allergic, true],
    ["my name", fact("name", "Sam"), true],
  ])("forget %j against %o: %s", (about, known, expected) => {
    const topic = forgetTopic(about);
    expect(topic !== null && isAbout(topic, known)).toBe(expected);
  });
});
