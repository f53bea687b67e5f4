import fc from "fast-check";
import { expect, test } from "vitest";
import { buildExamples, type ComposePrompt, plainPrompt, type TrainingExample } from "../../../src/adapt/examples.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { interaction, interactions, signal } from "../../support/interactions.ts";
import { WorkPerRound } from "../../support/work-per-round.ts";

const settings = DEFAULT_TRAINING_SETTINGS.examples;
const MINUTE_MS = 60_000;

const lastOf = ({ text }: TrainingExample) => (text.kind === "messages" ? text.messages.at(-1) : undefined);
const ids = (examples: readonly TrainingExample[]) => examples.map(({ id }) => id.slice(-3));

test("a turn without feedback gives one example: the user's utterance behind up to 3 earlier turns", async () => {
  const examples = await buildExamples(interactions(5), settings);
  expect(ids(examples)).toEqual(["0.u", "1.u", "2.u", "3.u", "4.u"]);
  const newest = examples[4];
  expect(newest && lastOf(newest)).toEqual({ role: "user", content: "question 4" });
  expect(newest?.text).toMatchObject({ learn: "last" });
  expect(newest?.interactionIds).toEqual([1, 2, 3, 4].map((n) => interaction(n).id));
});

test("a pause of more than 10 minutes begins a new conversation", async () => {
  const later = interaction(1, { atMs: interaction(0).atMs + 11 * MINUTE_MS });
  expect((await buildExamples([interaction(0), later], settings))[1]?.interactionIds).toEqual([later.id]);
});

test("a clock set back between two turns begins a new conversation and keeps the store's order", async () => {
  const turns = [interaction(0), interaction(1, { atMs: interaction(0).atMs - 60 * MINUTE_MS }), interaction(2)];
  const examples = await buildExamples(turns, settings);
  expect(examples.map(({ order }) => order)).toEqual([0, 1, 2]);
  expect(examples[1]?.interactionIds).toEqual([turns[1]?.id]);
});

test.each([
  ["thumb_up", 1],
  ["follow_up", 0.06],
] as const)("an answer with %s is accepted with weight max(0, s c) = %d", async (kind, weight) => {
  const examples = await buildExamples([interaction(0, { signals: [signal(kind)] })], settings);
  expect(examples.find((example) => example.kind === "accepted")?.weight).toBeCloseTo(weight, 10);
});

test.each(["thumb_down", "barge_in", "rephrase"] as const)("an answer with %s is not accepted", async (kind) => {
  const examples = await buildExamples([interaction(0, { signals: [signal(kind)] })], settings);
  expect(examples.some((example) => example.kind === "accepted")).toBe(false);
});

test("explicit feedback makes a KTO example, implicit signals do not", async () => {
  const verdictOf = async (...signals: Parameters<typeof signal>[]) => {
    const turn = interaction(0, { signals: signals.map((each) => signal(...each)) });
    return (await buildExamples([turn], settings)).find(({ kind }) => kind === "feedback")?.objective;
  };
  expect(await verdictOf(["praise"])).toEqual({ kind: "kto", desirable: true });
  expect(await verdictOf(["thumb_down"])).toEqual({ kind: "kto", desirable: false });
  expect(await verdictOf(["thumb_up"], ["complaint"])).toEqual({ kind: "kto", desirable: false });
  expect(await verdictOf(["barge_in"])).toBeUndefined();
});

test("a correction is a target of weight 1 and the answer it corrects is undesirable", async () => {
  const signals = [signal("correction", "It is in the hall.")];
  const examples = await buildExamples([interaction(0, { signals })], settings);
  const correction = examples.find(({ kind }) => kind === "correction");
  expect(correction?.weight).toBe(1);
  expect(correction && lastOf(correction)).toEqual({ role: "assistant", content: "It is in the hall." });
  expect(examples.find(({ kind }) => kind === "feedback")?.objective).toEqual({ kind: "kto", desirable: false });
});

test("a correction of the request, asked again as the next turn, is no answer to learn", async () => {
  const signals = [signal("correction", "the kitchen lights")];
  const turns = [interaction(0, { signals }), interaction(1, { input: "The kitchen lights" })];
  expect((await buildExamples(turns, settings)).some(({ kind }) => kind === "correction")).toBe(false);
});

test("each kind can be switched off", async () => {
  const signals = [signal("correction", "other"), signal("thumb_up")];
  const off = { ...settings, nextUtterance: false, acceptedAnswers: false, corrections: false, feedback: false };
  expect(await buildExamples([interaction(0, { signals })], off)).toEqual([]);
});

test("other work gets its turn after every 32 interactions at the latest", async () => {
  using prompts = new WorkPerRound();
  const compose: ComposePrompt = (...turns) => {
    prompts.count();
    return plainPrompt(...turns);
  };
  expect(await buildExamples(interactions(200), settings, compose)).toHaveLength(200);
  expect(prompts.most).toBeLessThanOrEqual(32);
});

test("without one interaction the examples are those that never held its words, and the same again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.nat(), async (count, pick) => {
      const all = interactions(count);
      const gone = all[pick % count]?.id ?? "";
      const left = all.filter(({ id }) => id !== gone);
      const examples = await buildExamples(left, settings);
      expect(examples).toEqual(await buildExamples(left, settings));
      expect(examples.some(({ interactionIds }) => interactionIds.includes(gone))).toBe(false);
      expect(JSON.stringify(examples)).not.toContain(`"answer ${pick % count}"`);
      const before = await buildExamples(all, settings);
      const clean = before.filter(({ interactionIds }) => !interactionIds.includes(gone));
      const known = new Map(examples.map((example) => [example.id, example.text]));
      for (const { id } of clean) expect(known.has(id)).toBe(true);
    }),
  );
});
