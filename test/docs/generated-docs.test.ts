import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { driftedDocs, GENERATED_DOCS } from "../../deploy/docs/generated-docs.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { ERROR_CODES } from "../../src/core/errors.ts";
import { CONFIG_KEYS, envNameOf } from "../../src/runtime/config/schema.ts";
import { topicTable } from "../../src/runtime/mqtt/topics.ts";

const read = (path: string) => readFile(`${packageRoot}${path}`, "utf8");

test("the generated documents say what the sources say (otherwise: npm run docs)", async () => {
  expect(await driftedDocs(read)).toEqual([]);
});

test("a changed default, a removed error code and a removed topic are noticed as drift", async () => {
  const plants: [string, (text: string) => string][] = [
    ["docs/configuration.md", (text) => text.replace("`700`", "`701`")],
    ["docs/errors.md", (text) => text.replace(/\| `E_DISK_FULL`.*\n/, "")],
    ["docs/mqtt.md", (text) => text.replace(/\| `state`.*\n/, "")],
  ];
  for (const [planted, change] of plants) {
    const found = await driftedDocs(async (path) => {
      const current = GENERATED_DOCS[path]?.() ?? "";
      return path === planted ? change(current) : current;
    });
    expect(found).toEqual([planted]);
  }
});

test("every key with its variable, every error code and every topic is written down", async () => {
  const [configuration, errors, mqtt] = await Promise.all(Object.keys(GENERATED_DOCS).map(read));
  for (const path of CONFIG_KEYS.keys()) expect(configuration).toContain(`| \`${path}\` | \`${envNameOf(path)}\` |`);
  for (const code of Object.keys(ERROR_CODES)) expect(errors).toContain(`| \`${code}\` |`);
  for (const { path } of topicTable()) expect(mqtt).toContain(path.replace(/^(request|response)\//, "### "));
});
