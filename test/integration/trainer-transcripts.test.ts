import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { decodeChildLine } from "../../src/adapt/trainer-protocol.ts";
import { packageRoot } from "../../src/core/built-file.ts";

it.each([
  { name: "train", types: ["hello", "plan", "progress", "progress", "checkpoint", "progress", "done"] },
  { name: "evaluate", types: ["hello", "plan", "progress", "progress", "result", "result", "done"] },
  { name: "probe", types: ["hello", "probe", "probe", "probe", "done"] },
  { name: "refused", types: ["hello", "error"] },
])("every line that asls-trainer sent in a recorded $name job is understood", async ({ name, types }) => {
  const transcript = await readFile(`${packageRoot}test/fixtures/trainer/recorded-${name}.jsonl`, "utf8");
  const messages = transcript.trimEnd().split("\n").map(decodeChildLine);
  expect(messages.map(({ type }) => type)).toEqual(types);
});
