import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { moduleMapDrift, parseModuleMap } from "../support/module-map.ts";

const document = readFileSync(`${packageRoot}docs/architecture.md`, "utf8");

/** Files that git knows or would add: what a clone holds, without what is built. */
function treeFiles(): string[] {
  const options = { cwd: packageRoot, encoding: "utf8" } as const;
  return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], options)
    .split("\n")
    .filter((file) => file !== "" && existsSync(`${packageRoot}${file}`));
}

test("the module map of docs/architecture.md and the tree agree", () => {
  expect(moduleMapDrift(parseModuleMap(document), treeFiles())).toEqual([]);
});

test("every place of the documents that a lint message names exists", () => {
  const config = readFileSync(`${packageRoot}biome.json`, "utf8");
  const named = new Set(
    [...config.matchAll(/\((docs\/[\w-]+\.md)#([\w-]+)\)/g)].map(([, path, anchor]) => `${path} ${anchor}`),
  );
  expect([...named]).toEqual(["docs/architecture.md imports"]);
  expect(document).toMatch(/^## Imports$/m);
});

describe("a map that drifted is noticed", () => {
  const map = (lines: string) => parseModuleMap(`# Title\n\n## Module map\n\ntext\n\n\`\`\`\n${lines}\n\`\`\`\n`);
  const files = ["package.json", "src/main.ts", "src/core/clock.ts", "src/runtime/llm/prompt.ts", "docs/mqtt.md"];
  const complete =
    "src/               all\nsrc/core/          words\nsrc/runtime/llm/   model\ndocs/              texts\n  and more";

  test("a complete map has no drift", () => {
    expect(moduleMapDrift(map(complete), files)).toEqual([]);
  });

  test("a new folder", () => {
    expect(moduleMapDrift(map(complete), [...files, "src/runtime/mqtt/topics.ts"])).toEqual([
      "src/runtime/mqtt/ is in the tree and not in the map",
    ]);
  });

  test("a folder that is gone", () => {
    expect(moduleMapDrift(map(`${complete}\nsrc/old/  nothing`), files)).toEqual([
      "src/old/ is in the map and not in the tree",
    ]);
  });

  test("a line that says nothing, and one that says it twice", () => {
    expect(moduleMapDrift(map(`${complete}\nsrc/main.ts\nsrc/  again`), files)).toEqual([
      "src/main.ts has no purpose in the map",
      "a path is in the map twice",
    ]);
  });

  test("a document without a map", () => {
    expect(moduleMapDrift(parseModuleMap("# Title\n"), ["src/main.ts"])).toEqual([
      "src/ is in the tree and not in the map",
    ]);
  });
});
