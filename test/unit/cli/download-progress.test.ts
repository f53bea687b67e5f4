import { describe, expect, test } from "vitest";
import { DownloadProgressLine } from "../../../src/cli/download-progress.ts";

function line(isTerminal: boolean) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  return {
    written,
    clock,
    progress: new DownloadProgressLine(
      (text) => written.push(text),
      isTerminal,
      () => clock.nowMs,
    ),
  };
}

describe("DownloadProgressLine", () => {
  test("without a terminal: one line per 10 %, 11 for the whole file", () => {
    const { written, progress } = line(false);
    for (let bytes = 0; bytes <= 1000; bytes++) progress.show(bytes * 1000, 1_000_000);
    expect(written).toHaveLength(11);
    expect(written.at(-1)).toContain("1.0 MB of 1.0 MB (100 %)");
  });

  test("on a terminal: one line written over, at most every 200 ms, and the last state always", () => {
    const { written, progress, clock } = line(true);
    progress.show(0, 100);
    clock.nowMs = 100;
    progress.show(50, 100);
    clock.nowMs = 150;
    progress.show(100, 100);
    progress.end();
    expect(written).toHaveLength(3);
    expect(written[1]).toMatch(/^\r.*100 %/);
    expect(written[2]).toBe("\n");
  });

  test("speed and remaining time count from where a resumed download began", () => {
    const { written, progress, clock } = line(false);
    progress.show(50_000_000, 200_000_000);
    clock.nowMs = 10_000;
    progress.show(100_000_000, 200_000_000);
    expect(written.at(-1)).toBe("fetching 100 MB of 200 MB (50 %), 5.0 MB/s, 20s left\n");
  });

  test("a server that does not say how long the file is: bytes and speed only", () => {
    const { written, progress } = line(false);
    progress.show(5_000_000, null);
    expect(written).toEqual(["fetching 5.0 MB\n"]);
  });
});
