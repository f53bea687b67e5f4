import { expect, test } from "vitest";
import { PlantedTree, type ToolRun } from "../support/planted-tree.ts";

function compile(content: string): ToolRun {
  using tree = new PlantedTree(["tsconfig.json", "tsconfig.build.json", "package.json"], {
    "src/planted.ts": content,
    "src/other.ts": "export interface Other {\n  readonly value: number;\n}\n",
  });
  return tree.run("tsc", ["-p", "tsconfig.json", "--noEmit", "--pretty", "false"]);
}

const FAULTS: readonly (readonly [string, string, string])[] = [
  ["strict: implicit any", "TS7006", "export const double = (value) => value * 2;\n"],
  ["strict: null", "TS2322", "export const value: number = null;\n"],
  [
    "noUncheckedIndexedAccess: an element may be missing",
    "TS2322",
    "const list: number[] = [];\nexport const first: number = list[0];\n",
  ],
  [
    "exactOptionalPropertyTypes: undefined is not the same as absent",
    "TS2375",
    "interface Options {\n  readonly name?: string;\n}\nexport const options: Options = { name: undefined };\n",
  ],
  [
    "erasableSyntaxOnly: no parameter properties",
    "TS1294",
    "export class A {\n  constructor(readonly value: number) {}\n}\n",
  ],
  ["noImplicitOverride", "TS4114", "class A {\n  run(): void {}\n}\nexport class B extends A {\n  run(): void {}\n}\n"],
  [
    "noFallthroughCasesInSwitch",
    "TS7029",
    "export function f(n: number): number {\n  let x = 0;\n  switch (n) {\n    case 1:\n      x = 1;\n    default:\n      x += 1;\n  }\n  return x;\n}\n",
  ],
  ["noUnusedLocals", "TS6133", "const unused = 1;\nexport const used = 2;\n"],
  ["noUnusedParameters", "TS6133", "export const f = (unused: number): number => 1;\n"],
  [
    "verbatimModuleSyntax: a type import says so",
    "TS1484",
    'import { Other } from "./other.ts";\nexport type A = Other;\n',
  ],
  [
    "nodenext: imports name their extension",
    "TS2835",
    'import type { Other } from "./other";\nexport type A = Other;\n',
  ],
];

test.each(FAULTS)("tsc refuses %s (%s)", (_name, code, content) => {
  const run = compile(content);
  expect(run.output).toContain(`error ${code}`);
  expect(run.exitCode).not.toBe(0);
});

test("the same tree without a fault compiles", () => {
  expect(compile("export const value = 1;\n")).toEqual({ exitCode: 0, output: "" });
});

test("dist/ is built from src/ only, so that product code cannot import tests, benchmarks or scripts", () => {
  using tree = new PlantedTree(["tsconfig.json", "tsconfig.build.json", "package.json"], {
    "test/support/part.ts": "export const part = 1;\n",
    "src/planted.ts": 'export { part } from "../test/support/part.ts";\n',
  });
  const run = tree.run("tsc", ["-p", "tsconfig.build.json", "--noEmit", "--pretty", "false"]);
  expect(run.output).toContain("error TS6059");
});
