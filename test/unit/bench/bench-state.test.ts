import { appendFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { BenchState, cellKey } from "../../../bench/personalisation/state.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const DIGEST = "0123456789ab";
const CELL = cellKey("no_retuning", 3, 31);

async function published(folder: TempDir): Promise<string> {
  const path = folder.join("figures.jsonl");
  const state = await BenchState.open(folder.join("one.jsonl"));
  await state.once("forgetting/1/31", async () => 0.000123456789);
  await state.once(CELL, async () => ({ dialogues: [[868.827662706, 191]], cpuSeconds: 21.5 }));
  await state.publish(path, DIGEST);
  return path;
}

async function mustNotMeasure(): Promise<never> {
  throw new Error("measured again");
}

describe("figures of the personalisation benchmark", () => {
  it("go on on another machine where this one stopped, with seven digits", async () => {
    await using folder = await makeTempDir("bench-state");
    const path = await published(folder);
    const other = await BenchState.open(folder.join("other.jsonl"));
    await other.takeOver(path, DIGEST);
    expect(await other.once("forgetting/1/31", mustNotMeasure)).toBe(0.0001234568);
    expect(await other.once(CELL, mustNotMeasure)).toEqual({ dialogues: [[868.8277, 191]], cpuSeconds: 21.5 });
    expect(other.kept("digest")).toBeUndefined();
  });

  it("stay as they were measured here", async () => {
    await using folder = await makeTempDir("bench-state");
    const path = await published(folder);
    const other = await BenchState.open(folder.join("other.jsonl"));
    await other.once("forgetting/1/31", async () => 0.5);
    await other.takeOver(path, DIGEST);
    expect(other.kept("forgetting/1/31")).toBe(0.5);
  });

  it("are kept over a run that is cut off in the middle of a line", async () => {
    await using folder = await makeTempDir("bench-state");
    const path = folder.join("one.jsonl");
    await published(folder);
    await appendFile(path, '\n{"key":"forgetting/1/56","val');
    const state = await BenchState.open(path);
    expect(await state.once("forgetting/1/31", mustNotMeasure)).toBe(0.000123456789);
    expect(await state.once("forgetting/1/56", async () => 0.25)).toBe(0.25);
    expect((await BenchState.open(path)).kept("forgetting/1/56")).toBe(0.25);
  });

  it("of another model, other users or settings are refused", async () => {
    await using folder = await makeTempDir("bench-state");
    const path = await published(folder);
    const other = await BenchState.open(folder.join("other.jsonl"));
    await expect(other.takeOver(path, "ba9876543210")).rejects.toMatchObject({ code: "E_USAGE" });
    await expect(other.takeOver(folder.join("none"), DIGEST)).rejects.toMatchObject({ code: "E_FILE_UNREADABLE" });
    expect(other.keys("")).toEqual([]);
  });
});
