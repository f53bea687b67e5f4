import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { checkComplaints, checkedRows } from "../support/named-checks.ts";

const read = (path: string) =>
  existsSync(`${packageRoot}${path}`) ? readFileSync(`${packageRoot}${path}`, "utf8") : null;

test.each([
  ["docs/ethics.md", 15],
  ["docs/security.md", 20],
])("every rule of %s names checks that exist", (path, least) => {
  const rows = checkedRows(read(path) ?? "");
  expect(rows.length).toBeGreaterThanOrEqual(least);
  expect(checkComplaints(rows, read)).toEqual([]);
});

test("every direct dependency says what it is for (WHY in deploy/docs/dependencies-doc.ts)", () => {
  const rows = (read("docs/dependencies.md") ?? "").split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((line) => line.endsWith("| ? |"))).toEqual([]);
});

describe("a rule that lost its check is noticed", () => {
  const table = (cell: string) => checkedRows(`text\n\n| rule | checked by |\n| --- | --- |\n| be kind | ${cell} |\n`);
  const files = (path: string) => (path === "test/a.test.ts" ? 'test("is kind to all", () => {})' : null);

  test("a file and a title in it", () => {
    expect(checkComplaints(table('`test/a.test.ts` "is kind"; `test/a.test.ts`'), files)).toEqual([]);
  });

  test.each([
    ["", '"be kind" has no check'],
    ["we try hard", '"be kind" has no check'],
    ["`test/b.test.ts`", '"be kind": there is no test/b.test.ts'],
    ['`test/a.test.ts` "is kind", "is fair"', '"be kind": test/a.test.ts has no "is fair"'],
    ['"is kind"', '"be kind": there is no file for "is kind"'],
  ])("%s", (cell, complaint) => {
    expect(checkComplaints(table(cell), files)).toEqual([complaint]);
  });

  test("tables of another kind are none of its business", () => {
    expect(checkedRows("| a | b |\n| --- | --- |\n| c | d |\n")).toEqual([]);
  });
});
