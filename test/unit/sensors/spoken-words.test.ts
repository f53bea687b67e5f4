import { expect, test } from "vitest";
import { spokenWords } from "../../../src/sensors/pocketsphinx-engine.ts";
import { plainWords } from "../../../src/sensors/sherpa-engine.ts";
import { phraseWords } from "../../../src/sensors/wake-engine.ts";
import { parseWyomingUri } from "../../../src/sensors/wyoming-speech-to-text.ts";

test("a pocketsphinx hypothesis loses fillers and pronunciation numbers", () => {
  expect(spokenWords("<s> turn(2) on <sil> the [NOISE] Light ++BREATH++ </s>")).toBe("turn on the light");
});

test("a punctuated transcript becomes lower-case words, apostrophes stay", () => {
  expect(plainWords("  It's six o'clock, isn't it?  ")).toBe("it's six o'clock isn't it");
});

test("a wake phrase is its lower-case words; an empty one is E_WAKE_PHRASE", () => {
  expect(phraseWords("Okay, Computer!")).toEqual(["okay", "computer"]);
  expect(() => phraseWords(" ! ")).toThrow(expect.objectContaining({ code: "E_WAKE_PHRASE" }));
});

test.each([
  ["tcp://192.0.2.10:10300", { host: "192.0.2.10", port: 10_300 }],
  ["tcp://[::1]:1", { host: "::1", port: 1 }],
])("%s names a server", (uri, expected) => {
  expect(parseWyomingUri(uri)).toEqual(expected);
});

test.each(["", "http://a:1", "tcp://a", "tcp://a:0", "tcp://a:70000"])("%j is no server", (uri) => {
  expect(() => parseWyomingUri(uri)).toThrow(expect.objectContaining({ code: "E_STT_UNAVAILABLE" }));
});
