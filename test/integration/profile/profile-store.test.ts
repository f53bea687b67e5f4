import { expect, test } from "vitest";
import type { PromptContextRequest } from "../../../src/profile/ports.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const NOON = Date.UTC(2026, 0, 5, 12);

function request(profileId: string, input: string, changes: Partial<PromptContextRequest> = {}): PromptContextRequest {
  return {
    profileId,
    input,
    nowMs: NOON,
    factTokens: 200,
    exchangeTokens: 300,
    maxExchanges: 3,
    countTokens: (text) => text.split(/\s+/).length,
    ...changes,
  };
}

test("stores nothing before consent: record, learnFact and promptContext decline, and no row exists", async () => {
  await using folder = await makeTempDir("profile");
  await using opened = await openTestStore(folder);
  const { store, archive } = opened;
  const profile = await store.active();
  expect(profile.consent).toEqual({ answer: true, store: false, train: false, telemetry: false, speaker: false });

  expect(await store.record(turn(profile.id))).toEqual({ kind: "declined", reason: "no_consent" });
  const fact = { kind: "name", value: "Sam", statement: "The user's name is Sam.", interactionId: null } as const;
  expect(await store.learnFact(profile.id, fact)).toEqual({ kind: "declined", reason: "no_consent" });
  expect(await store.promptContext(request(profile.id, "who am I"))).toEqual({
    facts: [],
    exchanges: [],
    answerWords: null,
  });
  expect(await archive.interactions(profile.id)).toEqual([]);
  expect(await archive.facts(profile.id)).toEqual([]);
});

test("after consent an exchange and a fact come back in the context of a similar turn", async () => {
  await using folder = await makeTempDir("profile");
  await using opened = await openTestStore(folder);
  const { store } = opened;
  const { id } = await consentingProfile(opened);
  const stored = await store.record(turn(id));
  expect(stored.kind).toBe("stored");
  await store.record(turn(id, { input: "Tell me a joke.", answer: "No.", domain: "smalltalk" }));
  await store.learnFact(id, {
    kind: "name",
    value: "Sam",
    statement: "The user's name is Sam.",
    interactionId: stored.kind === "stored" ? stored.interactionId : null,
  });

  const context = await store.promptContext(request(id, "turn on the kitchen light"));
  expect(context.facts.map((fact) => fact.statement)).toEqual(["The user's name is Sam."]);
  expect(context.exchanges.map(({ input, answer }) => [input, answer])).toEqual([
    ["Turn on the kitchen lights.", "The kitchen lights are on."],
  ]);
});

test("a disliked answer is not retrieved; a corrected one is, with the correction as the answer", async () => {
  await using folder = await makeTempDir("profile");
  await using opened = await openTestStore(folder);
  const { store } = opened;
  const { id } = await consentingProfile(opened);
  const first = await store.record(turn(id, { input: "what is the capital of australia", answer: "Sydney." }));
  if (first.kind !== "stored") throw new Error("not stored");
  const exchanges = async () =>
    (await store.promptContext(request(id, "what is the capital of australia"))).exchanges.map(({ answer }) => answer);
  expect(await exchanges()).toEqual(["Sydney."]);

  await store.addSignal(first.interactionId, { kind: "thumb_down", atMs: NOON + 1, correction: null });
  expect(await exchanges()).toEqual([]);
  await store.addSignal(first.interactionId, { kind: "correction", atMs: NOON + 2, correction: "Canberra." });
  expect(await exchanges()).toEqual(["Canberra."]);
});

test("everything is there again after closing and opening the file", async () => {
  await using folder = await makeTempDir("profile");
  {
    await using opened = await openTestStore(folder);
    const { id } = await consentingProfile(opened);
    const stored = await opened.store.record(turn(id));
    if (stored.kind !== "stored") throw new Error("not stored");
    await opened.store.addSignal(stored.interactionId, { kind: "thumb_up", atMs: NOON, correction: null });
  }
  await using opened = await openTestStore(folder);
  const profile = await opened.store.active();
  expect(profile.consent.store).toBe(true);
  const [interaction] = await opened.archive.interactions(profile.id);
  expect(interaction).toMatchObject({
    ...turn(profile.id),
    signals: [{ kind: "thumb_up", atMs: NOON, correction: null }],
    satisfaction: { estimate: 1, confidence: 1 },
  });
  expect(opened.wasUnclean).toBe(false);
});
