import { describe, expect, test } from "vitest";
import { PlantedTree, type ToolRun } from "../support/planted-tree.ts";

/** A module in each layer that the planted ones may import. */
const LAYERS = {
  "src/core/part.ts": "export const part = 1;\n",
  "src/sensors/part.ts": "export const part = 1;\n",
  "src/profile/part.ts": "export const part = 1;\n",
  "src/profile/ports.ts": "export const part = 1;\n",
  "src/adapt/part.ts": "export const part = 1;\n",
  "src/runtime/part.ts": "export const part = 1;\n",
  "src/main.ts": "export const part = 1;\n",
  "src/cli.ts": "export const part = 1;\n",
};

function lint(path: string, content: string): ToolRun {
  using tree = new PlantedTree(["biome.json", ".gitignore", "package.json"], { ...LAYERS, [path]: content });
  return tree.run("biome", ["check", "--error-on-warnings", "--colors=off", "."]);
}

function importing(target: string): string {
  return `import { part } from "${target}";\n\nexport const planted = part;\n`;
}

describe("import direction: core <- sensors, profile <- adapt <- runtime <- main, cli", () => {
  const forbidden: readonly (readonly [string, readonly string[]])[] = [
    ["core", ["sensors/part.ts", "profile/ports.ts", "adapt/part.ts", "runtime/part.ts", "main.ts", "cli.ts"]],
    ["sensors", ["profile/ports.ts", "adapt/part.ts", "runtime/part.ts", "main.ts", "cli.ts"]],
    ["profile", ["sensors/part.ts", "adapt/part.ts", "runtime/part.ts", "main.ts", "cli.ts"]],
    ["adapt", ["sensors/part.ts", "profile/part.ts", "runtime/part.ts", "main.ts", "cli.ts"]],
    ["runtime", ["main.ts", "cli.ts"]],
  ];
  const planted = forbidden.flatMap(([layer, targets]) => targets.map((target) => [layer, target] as const));

  test.concurrent.each(planted)("src/%s may not import src/%s", (layer, target) => {
    const run = lint(`src/${layer}/planted.ts`, importing(`../${target}`));
    expect(run.output).toContain(`src/${layer}/planted.ts`);
    expect(run.output).toContain("noRestrictedImports");
    expect(run.exitCode).toBe(1);
  });

  test("a folder inside a layer is held to the layer's rule", () => {
    const run = lint("src/sensors/audio/planted.ts", importing("../../runtime/part.ts"));
    expect(run.output).toContain("noRestrictedImports");
    expect(run.exitCode).toBe(1);
  });

  const allowed = [
    ["sensors", "core/part.ts"],
    ["profile", "core/part.ts"],
    ["adapt", "core/part.ts"],
    ["adapt", "profile/ports.ts"],
    ["runtime", "core/part.ts"],
    ["runtime", "sensors/part.ts"],
    ["runtime", "profile/part.ts"],
    ["runtime", "adapt/part.ts"],
  ] as const;

  test.each(allowed)("src/%s may import src/%s", (layer, target) => {
    const run = lint(`src/${layer}/planted.ts`, importing(`../${target}`));
    expect(run).toEqual({ exitCode: 0, output: expect.stringContaining("No fixes applied") });
  });
});

describe("faults that the linter must see", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["noFloatingPromises", "src/core/planted.ts", "async function work(): Promise<void> {}\n\nwork();\n"],
    [
      "noMisusedPromises",
      "src/core/planted.ts",
      "async function ready(): Promise<boolean> {\n  return true;\n}\n\nexport const answer = ready() ? 1 : 2;\n",
    ],
    ["noExplicitAny", "src/core/planted.ts", "export const value: any = 1;\n"],
    ["noConsole", "src/runtime/planted.ts", 'console.log("user text");\n'],
    ["noNonNullAssertion", "src/core/planted.ts", "export const first = [1][0]!;\n"],
    ["noDefaultExport", "src/core/planted.ts", "export default 1;\n"],
    ["noEnum", "src/core/planted.ts", "export enum Phase {\n  Idle,\n}\n"],
    ["useImportType", "src/core/planted.ts", 'import { Stats } from "node:fs";\n\nexport type Facts = Stats;\n'],
    [
      "useNodejsImportProtocol",
      "src/core/planted.ts",
      'import { rmSync } from "fs";\n\nexport const remove = rmSync;\n',
    ],
    ["noUnusedImports", "src/core/planted.ts", 'import { rmSync } from "node:fs";\n\nexport const value = 1;\n'],
    ["noUnusedVariables", "src/core/planted.ts", "const value = 1;\n\nexport const other = 2;\n"],
  ];

  test.each(cases)("%s", (rule, path, content) => {
    const run = lint(path, content);
    expect(run.output).toContain(rule);
    expect(run.exitCode).toBe(1);
  });

  test("noFloatingPromises, of a method of a port declared in another module", () => {
    using tree = new PlantedTree(["biome.json", ".gitignore", "package.json"], {
      "src/core/port.ts": "export interface Port {\n  stop(): Promise<void>;\n}\n",
      "src/core/planted.ts":
        'import type { Port } from "./port.ts";\n\nexport function end(port: Port): void {\n  port.stop();\n}\n',
    });
    const run = tree.run("biome", ["check", "--error-on-warnings", "--colors=off", "."]);
    expect(run.output).toContain("noFloatingPromises");
    expect(run.exitCode).toBe(1);
  });

  test("noImportCycles, through a third module", () => {
    using tree = new PlantedTree(["biome.json", ".gitignore", "package.json"], {
      "src/core/a.ts": 'import { b } from "./b.ts";\n\nexport const a = () => b();\n',
      "src/core/b.ts": 'import { c } from "./c.ts";\n\nexport const b = () => c();\n',
      "src/core/c.ts": 'import { a } from "./a.ts";\n\nexport const c = (): unknown => a;\n',
    });
    const run = tree.run("biome", ["check", "--error-on-warnings", "--colors=off", "."]);
    expect(run.output).toContain("noImportCycles");
    expect(run.exitCode).toBe(1);
  });

  test("wrong formatting", () => {
    const run = lint("src/core/planted.ts", "export const   value = 1\n");
    expect(run.output).toContain("Formatter would have printed");
    expect(run.exitCode).toBe(1);
  });

  test("the tree without a fault passes", () => {
    expect(lint("src/core/planted.ts", "export const value = 1;\n").exitCode).toBe(0);
  });

  test("the command line may print, and so may benchmarks and set-up scripts", () => {
    for (const path of ["src/cli/planted.ts", "bench/planted.ts", "deploy/planted.mjs"]) {
      expect(lint(path, 'console.log("a result");\n').exitCode, path).toBe(0);
    }
  });
});
