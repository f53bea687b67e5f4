import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { type NamedKind, namedIn } from "../support/document-names.ts";

const read = (path: string) => readFileSync(`${packageRoot}${path}`, "utf8");

const texts = [
  "README.md",
  "bench/README.md",
  ...readdirSync(`${packageRoot}docs`).map((name) => `docs/${name}`),
].filter((path) => path.endsWith(".md") && existsSync(`${packageRoot}${path}`));

/** What the documents name that does not exist, as `document: name`. */
function missing(kind: NamedKind, exists: (name: string, document: string) => boolean): string[] {
  return texts.flatMap((path) =>
    namedIn(read(path), kind)
      .filter((name) => !exists(name, path))
      .map((name) => `${path}: ${name}`),
  );
}

describe("what README.md and docs/ name exists", () => {
  test("npm scripts", () => {
    const { scripts } = JSON.parse(read("package.json"));
    expect(missing("npm script", (script) => script in scripts)).toEqual([]);
  });

  test("benchmarks", () => {
    expect(missing("benchmark", (name) => existsSync(`${packageRoot}bench/${name}/bench.ts`))).toEqual([]);
  });

  test("scripts of deploy/", () => {
    expect(missing("deploy script", (path) => existsSync(`${packageRoot}${path}`))).toEqual([]);
  });

  test("files, by relative link", () => {
    const exists = (link: string, document: string) => existsSync(new URL(link, `file://${packageRoot}${document}`));
    expect(missing("link", exists)).toEqual([]);
  });
});

describe("names are seen in a document", () => {
  const text = [
    "Run `npm run -s bench -- turn --json` or `npm run demo`; `npm test` is no script of ours.",
    "See [the guide](develop.md#gates), [a figure](../models/card.md), [elsewhere](https://example.org) and [here](#top).",
    "`sh deploy/fresh-machine.sh trixie` and deploy/packages.txt.",
  ].join("\n");

  const expected: readonly (readonly [NamedKind, readonly string[]])[] = [
    ["npm script", ["bench", "demo"]],
    ["benchmark", ["turn"]],
    ["deploy script", ["deploy/fresh-machine.sh", "deploy/packages.txt"]],
    ["link", ["develop.md", "../models/card.md"]],
  ];

  test.each(expected)("%s", (kind, names) => {
    expect(namedIn(text, kind)).toEqual(names);
  });
});
