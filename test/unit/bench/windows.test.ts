import { describe, expect, test } from "vitest";
import { behind, windowsOf } from "../../../bench/personalisation/windows.ts";

/** Ten turns of 20 tokens, 4 of them template in front, one at the end, one between turns. */
const turns = Array.from({ length: 10 }, (_, i) => i);
const dialogue = {
  tokens: Array.from({ length: 209 }, (_, i) => i),
  learned: turns.map((i) => [21 * i + 4, 21 * i + 20] as const),
  own: turns.map((i) => [21 * i + 4, 21 * i + 19] as const),
  words: 100,
};

describe("windows of a dialogue", () => {
  const windows = windowsOf(dialogue, dialogue.own, { tokens: 64, overlap: 24 });

  test("measure every turn exactly once, on its own tokens", () => {
    const measured = windows.flatMap(({ tokens, spans }) => spans.map(([from, to]) => [tokens[from], tokens[to - 1]]));
    expect(measured).toEqual(dialogue.own.map(([from, to]) => [from, to - 1]));
  });

  test("hold at most 64 tokens and begin with an earlier turn of at most 24", () => {
    expect(Math.max(...windows.map(({ tokens }) => tokens.length))).toBeLessThanOrEqual(64);
    expect(windows.slice(1).every(({ spans }) => (spans[0]?.[0] ?? 0) === 25)).toBe(true);
  });

  test("say which turns of the dialogue came before what they measure", () => {
    expect(windows.map(({ firstTurn }) => firstTurn)).toEqual([0, 3, 5, 7, 9]);
  });

  test("move behind a prompt of 3 tokens without changing what is measured", () => {
    const [first] = windows;
    if (first === undefined) throw new Error("no window");
    const moved = behind([7, 8, 9], first);
    expect(moved.tokens.slice(3)).toEqual(first.tokens);
    expect(moved.spans[0]).toEqual([7, 22]);
  });
});
