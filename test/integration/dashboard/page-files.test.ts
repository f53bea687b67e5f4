import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";

const folder = `${packageRoot}dist/dashboard`;
const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
const MAX_COMPRESSED_BYTES = 200_000;

describe("the built page", () => {
  test("is less than 200 kB compressed, libraries included", () => {
    const sizes = files.filter((file) => file.endsWith(".gz")).map((file) => statSync(join(folder, file)).size);
    expect(sizes.length).toBeGreaterThan(20);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  test("has every file compressed beside it", () => {
    const plain = files.filter((file) => /\.(js|css|html|svg)$/.test(file));
    expect(plain.filter((file) => !files.includes(`${file}.gz`))).toEqual([]);
  });

  test("imports nothing that is not in it: no package, no module of the service", () => {
    const missing = files
      .filter((file) => file.endsWith(".js") && !file.startsWith("vendor/"))
      .flatMap((file) => {
        const text = readFileSync(join(folder, file), "utf8");
        const imports = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
        return imports
          .filter((path) => !path.startsWith(".") || !existsSync(join(folder, dirname(file), path)))
          .map((path) => `${file}: ${path}`);
      });
    expect(missing).toEqual([]);
  });

  test("has no inline script or style, no address of another host, and never parses text as HTML", () => {
    const html = readFileSync(join(folder, "index.html"), "utf8");
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    const own = files.filter((file) => file.endsWith(".js") && !file.startsWith("vendor/"));
    for (const file of own) {
      expect(readFileSync(join(folder, file), "utf8")).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      );
    }
  });
});
