import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { adapterMetaCommand } from "../../../src/cli/adapter-meta-command.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { SEED_MODEL } from "../../support/trainer-rig.ts";

test("adapter meta leaves out people with too little, and says so when nobody is left", async () => {
  await using folder = await makeTempDir("meta");
  const data = folder.join("people.jsonl");
  await writeFile(data, `${JSON.stringify({ writer: 1, turns: ["Have you seen it?", "Twice."] })}\n`);
  const args = ["--data", data, "--model", SEED_MODEL, "--out", folder.join("out.gguf"), "--min-dialogues", "2"];
  await expect(adapterMetaCommand().parseAsync(args, { from: "user" })).rejects.toMatchObject({
    code: "E_DATA_INVALID",
    message: expect.stringContaining("2 dialogues"),
  });
});
