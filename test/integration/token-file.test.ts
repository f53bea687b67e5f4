import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type TokenExample, writeTokenFile } from "../../src/adapt/token-file.ts";
import { makeTempDir } from "../support/temp-dir.ts";

const good: TokenExample = {
  id: "a",
  kind: "ce",
  tokens: [5, 6, 7, 8],
  targets: [
    [1, 2],
    [3, 4],
  ],
};

describe("writeTokenFile", () => {
  it("writes one line per example in the trainer's names, mode 0600", async () => {
    await using folder = await makeTempDir("tokens");
    const path = folder.join("data.jsonl");
    await writeTokenFile(path, [
      good,
      { id: "b", kind: "kto", tokens: [1, 2], targets: [[1, 2]], desirable: false, weight: 0.5 },
      { id: "c", kind: "dpo", tokens: [1, 2], targets: [[1, 2]], rejected: [1, 3], rejectedTargets: [[1, 2]] },
    ]);
    const lines = (await readFile(path, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      {
        id: "a",
        kind: "ce",
        tokens: [5, 6, 7, 8],
        targets: [
          [1, 2],
          [3, 4],
        ],
      },
      { id: "b", kind: "kto", tokens: [1, 2], targets: [[1, 2]], desirable: false, weight: 0.5 },
      { id: "c", kind: "dpo", tokens: [1, 2], targets: [[1, 2]], rejected: [1, 3], rejected_targets: [[1, 2]] },
    ]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it.each([
    { what: "a target at position 0", example: { ...good, targets: [[0, 2]] as const }, message: /targets \[0, 2\)/ },
    { what: "a target past the end", example: { ...good, targets: [[1, 5]] as const }, message: /targets \[1, 5\)/ },
    { what: "an empty span", example: { ...good, targets: [[2, 2]] as const }, message: /targets \[2, 2\)/ },
    {
      what: "overlapping spans",
      example: {
        ...good,
        targets: [
          [1, 3],
          [2, 4],
        ] as const,
      },
      message: /targets \[2, 4\)/,
    },
    { what: "no target", example: { ...good, targets: [] }, message: /targets are empty/ },
    { what: "a fractional token", example: { ...good, tokens: [1.5, 2, 3, 4] }, message: /tokens\.0/ },
    { what: "a weight of 1001", example: { ...good, weight: 1001 }, message: /weight/ },
    { what: "an id used twice", example: { ...good, id: "first" }, message: /id is not unique/ },
  ])("refuses $what, names example 2 and writes nothing", async ({ example, message }) => {
    await using folder = await makeTempDir("tokens");
    const path = folder.join("data.jsonl");
    const write = writeTokenFile(path, [{ ...good, id: "first" }, example]);
    await expect(write).rejects.toMatchObject({ code: "E_DATA_INVALID", message: expect.stringMatching(message) });
    await expect(write).rejects.toThrow(/^example 2:/);
    expect(existsSync(path)).toBe(false);
  });
});
