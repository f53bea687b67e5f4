import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { pronunciations } from "../../../src/sensors/pronunciation-dictionary.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const lines = ["a AH", "a(2) EY", "okay\tOW K EY", "okays OW K EY Z", "zed Z EH D"];

test.each([
  ["few words, one by one", []],
  ["many words, in one pass", Array.from({ length: 30 }, (_, i) => `none${i}`)],
])("%s: first and last line, alternatives, tabs; unknown words are absent", async (_, unknown) => {
  await using folder = await makeTempDir("dict");
  await writeFile(folder.join("d.dict"), lines.join("\n"));
  const found = await pronunciations(folder.join("d.dict"), ["a", "okay", "zed", "oka", ...unknown]);
  expect(Object.fromEntries(found)).toEqual({ a: ["AH", "EY"], okay: ["OW K EY"], zed: ["Z EH D"] });
});

test("a dictionary that cannot be read is E_STT_UNAVAILABLE", async () => {
  await expect(pronunciations("/nonexistent.dict", ["a"])).rejects.toMatchObject({ code: "E_STT_UNAVAILABLE" });
});
