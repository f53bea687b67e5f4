import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";

const read = (path: string) => readFileSync(`${packageRoot}${path}`, "utf8");

const texts = ["README.md", ...readdirSync(`${packageRoot}docs`).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md") && existsSync(`${packageRoot}${path}`),
);

/** What the documents name that does not exist, as `document: thing`. */
function missing(named: (text: string) => string[], exists: (thing: string) => boolean): string[] {
  return texts.flatMap((path) =>
    named(read(path))
      .filter((thing) => !exists(thing))
      .map((thing) => `${path}: ${thing}`),
  );
}

describe("what README.md and docs/ name exists", () => {
  test("npm scripts", () => {
    const { scripts } = JSON.parse(read("package.json"));
    const named = (text: string) =>
      [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map((match) => match[1] ?? "");
    expect(missing(named, (script) => script in scripts)).toEqual([]);
  });

  test("benchmarks", () => {
    const named = (text: string) =>
      [...text.matchAll(/npm run -s bench -- ([a-z][\w-]*)/g)].map((match) => match[1] ?? "");
    expect(missing(named, (name) => existsSync(`${packageRoot}bench/${name}/bench.ts`))).toEqual([]);
  });

  test("scripts of deploy/", () => {
    const named = (text: string) =>
      [...text.matchAll(/\bdeploy\/[\w./-]*\.(?:sh|ts|mjs|txt)\b/g)].map((match) => match[0]);
    expect(missing(named, (path) => existsSync(`${packageRoot}${path}`))).toEqual([]);
  });

  test("other documents, by relative link", () => {
    const named = (text: string) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const broken = texts.flatMap((path) => {
      const folder = path.includes("/") ? "docs/" : "";
      return named(read(path))
        .filter((link) => !existsSync(new URL(link, `file://${packageRoot}${folder}`)))
        .map((link) => `${path}: ${link}`);
    });
    expect(broken).toEqual([]);
  });
});
