import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { PlantedTree, type ToolRun } from "../support/planted-tree.ts";

const MANIFEST = { name: "planted", type: "module", dependencies: {} };

/** A program of two modules in which everything is used. */
const CLEAN = {
  "package.json": JSON.stringify(MANIFEST),
  "src/main.ts": 'import { part } from "./core/part.ts";\n\npart();\n',
  "src/cli.ts": 'import "./main.ts";\n',
  "src/core/part.ts": "export function part(): void {}\n",
};

function knip(files: Readonly<Record<string, string>>): ToolRun {
  const config: Record<string, unknown> = JSON.parse(readFileSync(`${packageRoot}knip.json`, "utf8"));
  using tree = new PlantedTree(["tsconfig.json", ".gitignore"], {
    ...CLEAN,
    ...files,
    "knip.json": JSON.stringify(config),
  });
  return tree.run("knip", ["--no-config-hints", "--no-progress"]);
}

test("knip passes a tree in which everything is used", () => {
  expect(knip({})).toEqual({ exitCode: 0, output: "" });
});

test("knip names an export that nothing uses", () => {
  const run = knip({ "src/core/part.ts": "export function part(): void {}\nexport function forgotten(): void {}\n" });
  expect(run.output).toMatch(/Unused exports[\s\S]*forgotten .*src\/core\/part\.ts/);
  expect(run.exitCode).toBe(1);
});

test("knip names a file that nothing imports", () => {
  const run = knip({ "src/core/forgotten.ts": "export const value = 1;\n" });
  expect(run.output).toMatch(/Unused files[\s\S]*src\/core\/forgotten\.ts/);
  expect(run.exitCode).toBe(1);
});

test("knip names a dependency that nothing imports", () => {
  const run = knip({ "package.json": JSON.stringify({ ...MANIFEST, dependencies: { yaml: "2.9.1" } }) });
  expect(run.output).toMatch(/Unused dependencies[\s\S]*yaml/);
  expect(run.exitCode).toBe(1);
});

test("knip names an import that package.json does not list", () => {
  const run = knip({ "src/core/part.ts": 'import "yaml";\n\nexport function part(): void {}\n' });
  expect(run.output).toMatch(/Unlisted dependencies[\s\S]*yaml/);
  expect(run.exitCode).toBe(1);
});

test("knip names a helper of the tests that no test uses", () => {
  const run = knip({ "test/support/forgotten.ts": "export const value = 1;\n" });
  expect(run.output).toMatch(/Unused files[\s\S]*test\/support\/forgotten\.ts/);
  expect(run.exitCode).toBe(1);
});

test("knip takes a worker for an entry, since it is started by its name", () => {
  expect(
    knip({ "src/sensors/planted-worker.ts": 'import { part } from "../core/part.ts";\n\npart();\n' }).exitCode,
  ).toBe(0);
});
