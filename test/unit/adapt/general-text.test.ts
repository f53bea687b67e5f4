import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { writeScaledAdapter } from "../../../src/adapt/adapter-scale.ts";
import { generalTextOf, readGeneralText, replayExamples } from "../../../src/adapt/general-text.ts";
import { packageRoot } from "../../../src/core/built-file.ts";
import { metadataNumber, readGgufHeader } from "../../../src/runtime/llm/gguf-header.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { seedAdapter } from "../../support/tiny-models.ts";

const exchanges = Array.from({ length: 12 }, (_, i) => ({ request: `ask ${i}`, answer: `say ${i}` }));

describe("general text", () => {
  test("of 12 exchanges 4 each are replayed, watched and measured, none twice", () => {
    const { replay, watched, measured } = generalTextOf(exchanges);
    expect([replay.length, watched.length, measured.length]).toEqual([4, 4, 4]);
    expect(new Set([...replay, ...watched, ...measured]).size).toBe(12);
  });

  test("the shipped file has at least 100 exchanges and nothing twice", async () => {
    const { replay, watched, measured } = await readGeneralText(`${packageRoot}models/general.txt`);
    const all = [...replay, ...watched, ...measured].map(({ request, answer }) => `${request}|${answer}`);
    expect(all.length).toBeGreaterThanOrEqual(100);
    expect(new Set(all).size).toBe(all.length);
  });

  test("a line without a tab is refused by its number, and its words are not in the message", async () => {
    await using folder = await makeTempDir("general");
    await writeFile(folder.join("bad.txt"), "# note\nhello\tHello.\nsecret words\n");
    const error: unknown = await readGeneralText(folder.join("bad.txt")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "E_DATA_INVALID", message: expect.stringContaining("line 3") });
    expect(String(error)).not.toContain("secret");
  });

  test("replay uses every line once before one comes again, in an order of the seed", () => {
    const draw = (seed: number, count: number) => replayExamples(exchanges, count, seed);
    const requests = draw(1, 12).map(({ text }) => (text.kind === "messages" ? text.messages[0]?.content : ""));
    expect(new Set(requests).size).toBe(12);
    expect(new Set(draw(1, 30).map(({ id }) => id)).size).toBe(30);
    expect(draw(1, 12)).toEqual(draw(1, 12));
    expect(draw(1, 12)).not.toEqual(draw(2, 12));
    expect(replayExamples([], 5, 1)).toEqual([]);
  });
});

test("an adapter at half its strength has half its alpha and the same weights", async () => {
  await using folder = await makeTempDir("scale");
  const adapter = seedAdapter(0.1);
  await writeFile(folder.join("a.gguf"), adapter);
  await writeScaledAdapter(folder.join("a.gguf"), folder.join("half.gguf"), 0.5);
  const alpha = async (name: string) => metadataNumber(await readGgufHeader(folder.join(name)), "adapter.lora.alpha");
  expect(await alpha("half.gguf")).toBe(((await alpha("a.gguf")) ?? Number.NaN) / 2);
  await writeScaledAdapter(folder.join("half.gguf"), folder.join("whole.gguf"), 2);
  expect((await readFile(folder.join("whole.gguf"))).equals(adapter)).toBe(true);
});

test("a file without an alpha cannot be scaled: E_ADAPTER_INVALID", async () => {
  await using folder = await makeTempDir("scale");
  await writeFile(folder.join("a.gguf"), "no adapter");
  await expect(writeScaledAdapter(folder.join("a.gguf"), folder.join("b.gguf"), 0.5)).rejects.toMatchObject({
    code: "E_ADAPTER_INVALID",
  });
});
