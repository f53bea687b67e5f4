import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { PlantedTree, type ToolRun } from "../support/planted-tree.ts";

const IMPORT = 'import { expect, test } from "vitest";\n';
const PASSING = `${IMPORT}test("passes", () => expect(1).toBe(1));\n`;

/** Runs vitest with our reporter over planted test files, then adds up as deploy/test.sh does. */
function countRun(files: Readonly<Record<string, string>>): ToolRun {
  using tree = new PlantedTree(["package.json", "deploy/count-reporter.ts", "deploy/test-totals.mjs"], files);
  tree.run("/usr/bin/env", [
    "ASLS_TEST_COUNTS=counts/unit.json",
    `${packageRoot}node_modules/.bin/vitest`,
    "run",
    "--reporter=./deploy/count-reporter.ts",
  ]);
  tree.write("counts/notes.txt", "the folder exists, whatever vitest did");
  return tree.run(process.execPath, ["deploy/test-totals.mjs", "counts"]);
}

function lastLine(run: ToolRun): string | undefined {
  return run.output.trimEnd().split("\n").at(-1);
}

describe("the total of a test run", () => {
  test("a passing run exits 0 and ends with its counts", () => {
    const run = countRun({ "a.test.ts": PASSING, "b.test.ts": PASSING });
    expect(lastLine(run)).toBe("2 passed, 0 failed");
    expect(run.exitCode).toBe(0);
  });

  test("a failed test is counted and fails the run", () => {
    const run = countRun({ "a.test.ts": `${PASSING}test("fails", () => expect(1).toBe(2));\n` });
    expect(lastLine(run)).toBe("1 passed, 1 failed");
    expect(run.exitCode).toBe(1);
  });

  test("a test file that does not load is counted as failed", () => {
    const run = countRun({ "a.test.ts": PASSING, "b.test.ts": 'import "./missing.ts";\n' });
    expect(lastLine(run)).toBe("1 passed, 1 failed");
    expect(run.exitCode).toBe(1);
  });

  test("an error outside of any test is counted as failed", () => {
    const late = `${IMPORT}test("late", () => void Promise.reject(new Error("nobody waits for this")));\n`;
    const run = countRun({ "a.test.ts": late });
    expect(lastLine(run)).toBe("1 passed, 1 failed");
    expect(run.exitCode).toBe(1);
  });

  test("a skipped test is listed with its reason", () => {
    const skipping = `${PASSING}test("speaks", ({ skip }) => skip("no sound card"));\n`;
    const run = countRun({ "a.test.ts": skipping });
    expect(run.output).toContain("a.test.ts: speaks (no sound card)");
    expect(lastLine(run)).toBe("1 passed, 0 failed, 1 skipped");
    expect(run.exitCode).toBe(0);
  });

  test("a run in which nothing passed fails", () => {
    const run = countRun({ "a.test.ts": `${IMPORT}test.skip("later", () => expect(1).toBe(1));\n` });
    expect(lastLine(run)).toBe("0 passed, 0 failed, 1 skipped");
    expect(run.exitCode).toBe(1);
  });
});

describe("npm test", () => {
  const script = readFileSync(`${packageRoot}deploy/test.sh`, "utf8");
  const listed = /^ {2}projects="([^"]*)"$/m.exec(script)?.[1]?.split(" ") ?? [];
  const config = readFileSync(`${packageRoot}vitest.config.ts`, "utf8");
  const declared = [...config.matchAll(/ project\("(\w+)"/g)].map((match) => match[1]);

  test("runs every project that vitest.config.ts declares", () => {
    expect(declared.length).toBeGreaterThan(0);
    expect([...listed].sort()).toEqual([...declared].sort());
  });

  test("has at least one test file in each project, and no test file outside of them", () => {
    const files = readdirSync(`${packageRoot}test`, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".test.ts"),
    );
    const folders = new Set(files.map((file) => file.split("/")[0]));
    expect([...folders].sort()).toEqual([...listed].sort());
  });

  test("stops at the first step that fails, names it, and exits 1", () => {
    using tree = new PlantedTree(
      ["biome.json", ".gitignore", "package.json", "deploy/test.sh", "deploy/test-totals.mjs"],
      {
        "src/core/planted.ts": "export const value: any = 1;\n",
      },
    );
    const run = tree.run("/bin/sh", ["deploy/test.sh"]);
    expect(run.output).toContain('FAILED at step "biome"');
    expect(run.output).not.toContain("test: tsc");
    expect(run.exitCode).toBe(1);
  });
});
