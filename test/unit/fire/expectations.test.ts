import { describe, expect, test } from "vitest";
import { Expectations, type Exported } from "../../fire/expectations.ts";

const P = "p_0000000000000001";
const turn = (id: string, input: string, correction: string | null = null) => ({
  id,
  input,
  signals: correction === null ? [] : [{ kind: "correction", correction }],
});
const device = (turns: Exported) => new Map<string, Exported>([[P, turns]]);

describe("what a killed service had promised", () => {
  test("an acknowledged turn must be there once; an open one may be, and is then settled", () => {
    const expected = new Expectations();
    expected.turn(P, "first")();
    expected.turn(P, "second");
    expect(expected.check(device([turn("i_1", "first")]), null)).toEqual([]);
    expected.turn(P, "third");
    expect(expected.check(device([turn("i_1", "first"), turn("i_3", "third")]), null)).toEqual([]);
    expect(expected.check(device([turn("i_3", "third")]), null)).toEqual([`an acknowledged turn of ${P} is gone`]);
    const twice = [turn("i_1", "first"), turn("i_4", "first"), turn("i_3", "third")];
    expect(expected.check(device(twice), null)).toEqual(["a turn is there 2 times"]);
    expect(expected.check(device([turn("i_1", "first")]), null)).toEqual([`an acknowledged turn of ${P} is gone`]);
  });

  test("an acknowledged correction must be there in its words", () => {
    const expected = new Expectations();
    expected.turn(P, "first")();
    expected.correction("first", "wanted")();
    expect(expected.check(device([turn("i_1", "first", "wanted")]), null)).toEqual([]);
    expect(expected.check(device([turn("i_1", "first", "other")]), null)).toEqual([
      "the acknowledged correction of i_1 is gone",
    ]);
  });

  test("a deleted turn must stay away, an open deletion is settled by what is found", () => {
    const expected = new Expectations();
    expected.turn(P, "first")();
    expected.turn(P, "second")();
    expected.deletion("first")();
    expected.deletion("second");
    expect(expected.check(device([turn("i_2", "second")]), null)).toEqual([]);
    const bothBack = [turn("i_1", "first"), turn("i_2", "second")];
    expect(expected.check(device(bothBack), null)).toEqual(["i_1 was deleted and is there"]);
    expect(expected.check(device([]), null)).toEqual([`an acknowledged turn of ${P} is gone`]);
  });

  test("a deletion that was answered and came back is found", () => {
    const expected = new Expectations();
    expected.turn(P, "first")();
    expected.deletion("first")();
    expect(expected.check(device([turn("i_1", "first")]), null)).toEqual(["i_1 was deleted and is there"]);
  });

  test("a forgotten profile must be gone as a whole; one that is gone without being forgotten is lost", () => {
    const expected = new Expectations();
    expected.turn(P, "first")();
    expect(expected.check(device(null), null)).toEqual([`profile ${P} is gone`]);
    expected.forgetting(P)();
    expect(expected.check(device(null), null)).toEqual([]);
    expect(expected.check(device([turn("i_1", "first")]), null)).toEqual([`${P} was forgotten and is there`]);
  });

  test("the adapter that answers is the one acknowledged last, or the one that was being taken", () => {
    const expected = new Expectations();
    expected.adapterIs("a_1");
    const activated = expected.adapter("a_2");
    expect(expected.copy().check(device([]), "a_1")).toEqual([]);
    expect(expected.copy().check(device([]), "a_2")).toEqual([]);
    activated();
    expect(expected.check(device([]), "a_1")).toEqual(["adapter a_1 answers instead of a_2"]);
    expected.anyAdapter();
    expect(expected.check(device([]), null)).toEqual([]);
  });
});
