import { expect, test } from "vitest";
import { boardProfile } from "../../../src/runtime/config/board-profiles.ts";
import { nearestWord } from "../../../src/runtime/config/nearest-word.ts";
import { CONFIG_KEYS } from "../../../src/runtime/config/schema.ts";
import { BOARD_NAMES } from "../../../src/runtime/config/sections/board.ts";

test("every value of every board profile is one that its key accepts", () => {
  for (const board of BOARD_NAMES) {
    for (const { key, value } of boardProfile(board, { HOME: "/home/sam" })) {
      expect(CONFIG_KEYS.get(key)?.accepted(value), `${board} ${key}`).toBe(true);
    }
  }
});

test("the virtual board follows XDG folders when they are set", () => {
  const values = new Map(
    boardProfile("virtual", { HOME: "/h", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r" }).map(({ key, value }) => [
      key,
      value,
    ]),
  );
  expect(values.get("paths.stateDir")).toBe("/s/asls-virtual");
  expect(values.get("paths.runtimeDir")).toBe("/r/asls-virtual");
});

test("one slip is found, a word that is nothing like any other is not", () => {
  const words = ["vad.threshold", "wake.threshold", "log"];
  expect(nearestWord("vad.treshold", words)).toBe("vad.threshold");
  expect(nearestWord("WAKE.THRESHOLD", words)).toBe("wake.threshold");
  expect(nearestWord("gol", words)).toBe("log");
  expect(nearestWord("microphone", words)).toBeNull();
});
