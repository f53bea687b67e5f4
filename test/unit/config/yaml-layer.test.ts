import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONFIG_KEYS } from "../../../src/runtime/config/schema.ts";
import { parseYamlLayer } from "../../../src/runtime/config/yaml-layer.ts";

const FILE = "/etc/asls/asls.yaml";
const problemsOf = (text: string) => parseYamlLayer(text, FILE).problems;

describe("any text", () => {
  const fragments = fc.constantFrom(
    "vad:",
    "\n",
    "  ",
    "threshold: 0.4",
    "- ",
    "{",
    "}",
    "&a ",
    "*a",
    "!!binary ",
    "? ",
    "<<: ",
    "|",
    '"',
    "#",
    "---\n",
    ": ",
    "\t",
  );

  test("is read without an exception, and everything it sets is a known key", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments, { maxLength: 30 }).map((parts) => parts.join("")),
        ),
        (text) => {
          const { entries, problems } = parseYamlLayer(text, FILE);
          for (const { key } of entries) expect(CONFIG_KEYS.has(key)).toBe(true);
          for (const { where } of problems) expect(where).toMatch(/^\/etc\/asls\/asls\.yaml:\d+$/);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("with aliases that grow without end is a problem and takes no memory", () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `  l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(",")}]`,
    );
    const bomb = `vad:\n  threshold: &l0 [x]\n${levels.join("\n")}\nwake:\n  phrase: *l12\n`;
    expect(problemsOf(bomb).some(({ key }) => key === "wake.phrase")).toBe(true);
  });
});

test("anchors and aliases give values, with the line where the key stands", () => {
  const { entries, problems } = parseYamlLayer("vad:\n  noSpeechMs: &ms 900\n  trailingSilenceMs: *ms\n", FILE);
  expect(problems).toEqual([]);
  expect(entries.map(({ key, value, source }) => [key, value, source.where])).toEqual([
    ["vad.noSpeechMs", 900, `${FILE}:2`],
    ["vad.trailingSilenceMs", 900, `${FILE}:3`],
  ]);
});

test("a section without keys sets nothing and is no problem", () => {
  expect(parseYamlLayer("vad:\nwake: ~\n", FILE)).toEqual({ entries: [], problems: [], warnings: [] });
});

test("a second document in the file is a problem", () => {
  expect(problemsOf("vad: {threshold: 0.4}\n---\nvad: {threshold: 0.5}\n")).toHaveLength(1);
});
