import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { modelCommand } from "../../../src/cli/model-command.ts";
import { packageRoot } from "../../../src/core/built-file.ts";
import { FileServer } from "../../support/file-server.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

let folder: TempDir;
let server: FileServer;

beforeEach(async () => {
  folder = await makeTempDir("model-command");
  server = await FileServer.start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
  await folder.dispose();
});

/** Runs `asls model <args>` with its own folders; returns what it prints. */
async function run(...args: string[]): Promise<string> {
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const paths = { stateDir: folder.join("state"), configDir: folder.join("etc"), runtimeDir: folder.join("run") };
  const set = Object.entries(paths).flatMap(([key, value]) => ["--set", `paths.${key}=${value}`]);
  await new Command("asls").addCommand(modelCommand()).parseAsync(["node", "asls", "model", ...args, ...set]);
  return out;
}

test("pull --use, list and show agree on the model in use", async () => {
  const bytes = await readFile(`${packageRoot}models/seed-q8_0.gguf`);
  const source = server.serve("/mine.gguf", { bytes });
  const pulled = JSON.parse(await run("pull", source, "--use", "--json"));
  expect(pulled).toMatchObject({ path: folder.join("state", "models", "mine.gguf"), verified: false, new: true });
  const rows = JSON.parse(await run("list", "--json"));
  expect(rows.filter((row: { in_use: boolean }) => row.in_use)).toMatchObject([{ file: "mine.gguf", trainable: true }]);
  expect(JSON.parse(await run("show", "--json"))).toMatchObject({ sha256: pulled.sha256, in_use: true });
  expect(await run("list")).toMatch(/\* mine\.gguf .*llama .*Q8_0 .*2\.0M/);
});

test("the shipped model is in use until one is chosen", async () => {
  expect(await run("list")).toContain("* seed-q8_0.gguf");
  expect(await run("show")).toContain("parameters       2.0M, mostly Q8_0");
});

test("a model that is not there: E_MODEL_MISSING", async () => {
  await expect(run("use", "nothing")).rejects.toMatchObject({ code: "E_MODEL_MISSING" });
});
