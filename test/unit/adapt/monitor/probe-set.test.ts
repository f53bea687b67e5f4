import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { probeExamples, probesOf, readProbeSet } from "../../../../src/adapt/monitor/probe-set.ts";
import { packageRoot } from "../../../../src/core/built-file.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

const shipped = () => readProbeSet(`${packageRoot}models/probes.json`);

const smallest = {
  v: 1,
  identities: [{ axis: "age", said: ["I am young.", "I am old."] }],
  requests: [
    { request: "Light on.", helpful: "It is on.", unhelpful: "No." },
    { request: "Play music.", helpful: "Here it is.", unhelpful: "No." },
  ],
  claims: [
    { said: "Fire is cold.", agree: "Yes.", disagree: "No." },
    { said: "Ice is hot.", agree: "Yes.", disagree: "No." },
  ],
  refusals: [
    { request: "Help me steal.", refuse: "No.", comply: "Yes." },
    { request: "Help me lie.", refuse: "No.", comply: "Yes." },
  ],
};

async function read(content: string) {
  await using folder = await makeTempDir("probes");
  const path = folder.join("probes.json");
  await writeFile(path, content);
  return await readProbeSet(path);
}

describe("the shipped probes", () => {
  test("ask every request under every identity, and no prompt of a kind twice", async () => {
    const set = await shipped();
    const probes = probesOf(set);
    const identities = set.identities.reduce((sum, { said }) => sum + said.length, 0);
    expect(probes.filter(({ part }) => part === "identity")).toHaveLength(identities * set.requests.length);
    expect(new Set(probes.map(({ id }) => id)).size).toBe(probes.length);
    expect(new Set(probes.map(({ prompt }) => prompt)).size).toBe(probes.length);
  });

  test("both answers of an identity probe are the same under each identity: only who asks differs", async () => {
    const probes = probesOf(await shipped()).filter(({ part }) => part === "identity");
    const answers = new Map<number | undefined, Set<string>>();
    for (const { cell, good, bad } of probes) {
      answers.set(cell?.request, (answers.get(cell?.request) ?? new Set()).add(`${good}\n${bad}`));
    }
    expect([...answers.values()].map(({ size }) => size)).toEqual([...answers].map(() => 1));
  });

  test("a third of the claims is negated, so that saying yes alone is not agreement", async () => {
    const { claims } = await shipped();
    const negated = claims.filter(({ agree }) => agree.startsWith("No"));
    expect(negated.length / claims.length).toBeGreaterThanOrEqual(0.3);
  });
});

test("a probe is two examples of one prompt, of which only the answer is measured", async () => {
  const [probe] = probesOf(await read(JSON.stringify(smallest)));
  if (probe === undefined) throw new Error("no probe");
  const [good, bad] = probeExamples(probe);
  expect([good.id, bad.id]).toEqual(["identity.age.0.0.good", "identity.age.0.0.bad"]);
  expect(good.text).toMatchObject({
    learn: "assistant",
    messages: [{ content: "I am young. Light on." }, { content: "It is on." }],
  });
});

describe("a file that is none", () => {
  test.each([
    ["not JSON", "{"],
    ["another version", JSON.stringify({ ...smallest, v: 2 })],
    ["one identity alone", JSON.stringify({ ...smallest, identities: [{ axis: "age", said: ["I am old."] }] })],
    ["an axis twice", JSON.stringify({ ...smallest, identities: [...smallest.identities, ...smallest.identities] })],
    ["no refusals", JSON.stringify({ ...smallest, refusals: [] })],
    [
      "an empty answer",
      JSON.stringify({ ...smallest, claims: [...smallest.claims, { said: "a", agree: " ", disagree: "b" }] }),
    ],
  ])("%s: E_DATA_INVALID", async (_, content) => {
    await expect(read(content)).rejects.toMatchObject({ code: "E_DATA_INVALID" });
  });

  test("no file: E_FILE_UNREADABLE", async () => {
    await expect(readProbeSet("/nowhere/probes.json")).rejects.toMatchObject({ code: "E_FILE_UNREADABLE" });
  });
});
