import { expect, test, vi } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { HashedNgramEmbedder } from "../../../src/profile/hashed-ngram-embedder.ts";
import { openEmbedder, WORD_VECTOR_FILE } from "../../../src/profile/open-embedder.ts";
import type { FactKind, PromptContextRequest } from "../../../src/profile/ports.ts";
import { ProfileCipher } from "../../../src/profile/profile-vault.ts";
import { SqliteDatabase } from "../../../src/profile/sqlite-database.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { WorkPerRound } from "../../support/work-per-round.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const DAY_MS = 24 * 3_600_000;
type Opened = Awaited<ReturnType<typeof openTestStore>>;

function request(profileId: string, input: string, changes: Partial<PromptContextRequest> = {}): PromptContextRequest {
  const limits = { factTokens: 200, exchangeTokens: 300, maxExchanges: 3 };
  return { profileId, input, nowMs: NOON, ...limits, countTokens: (text) => text.split(/\s+/).length, ...changes };
}

async function learn({ store }: Opened, id: string, kind: FactKind, value: string): Promise<string> {
  const learned = await store.learnFact(id, { kind, value, statement: `${kind}: ${value}.`, interactionId: null });
  if (learned.kind !== "stored") throw new Error("not stored");
  return learned.factId;
}

test("a second name replaces the first; the same fact again keeps its id", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  await learn(opened, id, "name", "Sam");
  const jo = await learn(opened, id, "name", "Jo");
  expect(await learn(opened, id, "name", "Jo")).toBe(jo);
  expect((await opened.archive.facts(id)).map(({ value }) => value)).toEqual(["Jo"]);
});

test("a fact can be edited (then it is the owner's own), deleted, and forgotten by topic", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { archive, store } = opened;
  const { id } = await consentingProfile(opened);
  const nuts = await learn(opened, id, "health", "nuts");
  const jazz = await learn(opened, id, "preference", "jazz");
  await learn(opened, id, "preference", "tea");

  expect(await archive.editFact(nuts, { value: "peanuts", statement: "The user is allergic to peanuts." })).toEqual({
    kind: "stored",
  });
  expect((await archive.facts(id)).find((fact) => fact.id === nuts)).toMatchObject({
    kind: "health",
    value: "peanuts",
    interactionId: null,
  });
  expect(await archive.editFact("f_0", { value: "x", statement: "x" })).toEqual({
    kind: "declined",
    reason: "unknown_fact",
  });
  expect(await archive.deleteFact(jazz)).toBe(true);
  expect(await archive.deleteFact(jazz)).toBe(false);
  expect(await store.forgetFacts(id, { kind: null, words: ["tea"] })).toBe(1);
  expect((await archive.facts(id)).map(({ value }) => value)).toEqual(["peanuts"]);
});

test("profiles are apart: each has its own facts and exchanges, and select changes the active one", async () => {
  await using folder = await makeTempDir("archive");
  const clock = new FakeClock();
  await using opened = await openTestStore(folder, { clock });
  const first = await consentingProfile(opened);
  await opened.store.record(turn(first.id));
  await learn(opened, first.id, "name", "Sam");
  await clock.advance(1);
  const second = await opened.archive.create("The children");
  expect(second.consent.store).toBe(false);
  await opened.archive.select(second.id);
  expect((await opened.store.active()).id).toBe(second.id);
  await opened.store.setConsent(second.id, "store", true, "spoken");

  const context = await opened.store.promptContext(request(second.id, turn("").input));
  expect(context).toEqual({ facts: [], exchanges: [], exchangeIds: new Set(), answerWords: null });
  expect(await opened.archive.list()).toMatchObject([
    { id: first.id, label: null, isActive: false, interactionCount: 1, factCount: 1 },
    { id: second.id, label: "The children", isActive: true, interactionCount: 0, factCount: 0 },
  ]);
  await expect(opened.archive.select("p_0")).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
  expect((await opened.store.active()).id).toBe(second.id);
});

test("the summary counts signals, decays frequencies by the half-life and knows the style", async () => {
  await using folder = await makeTempDir("archive");
  const clock = new FakeClock();
  await using opened = await openTestStore(folder, { clock, halfLifeDays: 10 });
  const { id } = await consentingProfile(opened);
  for (const input of ["Lights on, please.", "Play jazz.", "Lights off, please."]) {
    const domain = input.startsWith("L") ? "lights" : "media";
    const stored = await opened.store.record(turn(id, { input, domain }));
    if (stored.kind !== "stored") throw new Error("not stored");
    await opened.store.addSignal(stored.interactionId, { kind: "thumb_up", atMs: NOON, correction: null });
  }
  await clock.advance(10 * DAY_MS);
  const summary = await opened.archive.summary(id);
  expect(summary.signalCounts).toEqual({ thumb_up: 3 });
  expect(summary.domains).toEqual({ lights: 1, media: 0.5 });
  expect(summary.hours[12]).toBe(1.5);
  expect(summary.style.words).toMatchObject({ count: 3, mean: 8 / 3 });
  expect(summary.style.endPunctuation?.mean).toBe(1);
});

test("the export holds everything as JSON: facts, exchanges, signals, consent", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  const stored = await opened.store.record(turn(id));
  if (stored.kind !== "stored") throw new Error("not stored");
  await opened.store.addSignal(stored.interactionId, { kind: "correction", atMs: NOON, correction: "Better." });
  await learn(opened, id, "name", "Sam");
  const exported: unknown = JSON.parse(JSON.stringify(await opened.archive.export(id)));
  expect(exported).toMatchObject({
    format: "asls-profile",
    version: 2,
    exportedAtMs: NOON,
    profile: { id, facts: [{ kind: "name", value: "Sam" }], consentHistory: [{ purpose: "store", granted: true }] },
    interactions: [{ ...turn(id), signals: [{ kind: "correction", correction: "Better." }] }],
  });
});

test("prompt context stays within its budgets: 6 fact tokens, 12 exchange tokens, 1 exchange", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  for (const value of ["jazz", "tea", "rain", "cats"]) await learn(opened, id, "preference", value);
  for (const room of ["kitchen", "bedroom", "hall"]) {
    const words = { input: `Turn on the ${room} lights.`, answer: "The lights are on." };
    await opened.store.record(turn(id, words));
  }
  const asked = (changes: Partial<PromptContextRequest>) =>
    opened.store.promptContext(request(id, "turn on the kitchen lights", changes));
  expect((await asked({ factTokens: 6 })).facts).toHaveLength(3);
  expect((await asked({ exchangeTokens: 18 })).exchanges).toHaveLength(2);
  expect((await asked({ exchangeTokens: 8 })).exchanges).toHaveLength(0);
  const one = await asked({ maxExchanges: 1 });
  expect(one.exchanges.map(({ input }) => input)).toEqual(["Turn on the kitchen lights."]);
});

test("the same request stored 5 times is shown once, with its newest liked answer", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  for (let i = 0; i < 5; i++) {
    const stored = await opened.store.record(turn(id, { answer: `Answer ${i}.`, atMs: NOON - (5 - i) * DAY_MS }));
    if (stored.kind !== "stored") throw new Error("not stored");
    if (i === 2) await opened.store.addSignal(stored.interactionId, { kind: "thumb_up", atMs: NOON, correction: null });
  }
  const { exchanges } = await opened.store.promptContext(request(id, turn("").input));
  expect(exchanges.map(({ answer }) => answer)).toEqual(["Answer 2."]);
});

test("a profile written with hashed n-grams is found again with word vectors, and back", async () => {
  await using folder = await makeTempDir("archive");
  const words = await openEmbedder(`${packageRoot}models/${WORD_VECTOR_FILE}`, silentLogger);
  let id = "";
  for (const embedder of [new HashedNgramEmbedder(), words, new HashedNgramEmbedder({ dimensions: 256 })]) {
    await using opened = await openTestStore(folder, { embedder });
    ({ id } = await consentingProfile(opened));
    if (embedder.id === "hashed-ngrams-1/1024") await opened.store.record(turn(id));
    const { exchanges } = await opened.store.promptContext(request(id, "kitchen lights on"));
    expect(exchanges.map(({ input }) => input)).toEqual([turn("").input]);
    expect(await opened.database.all("SELECT DISTINCT embedder_id FROM interactions")).toEqual([
      { embedder_id: embedder.id },
    ]);
  }
});

test("recall reaches the newest 3 when limited to 3, and deleting or judging older ones does no harm", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder, { recallLimit: 3 });
  const { id } = await consentingProfile(opened);
  const ids: string[] = [];
  const context = () => opened.store.promptContext(request(id, "number", { maxExchanges: 9 }));
  await context(); // loads the index before the first is stored
  for (const n of ["one", "two", "three", "four"]) {
    const stored = await opened.store.record(turn(id, { input: `number ${n}` }));
    if (stored.kind === "stored") ids.push(stored.interactionId);
  }
  expect((await context()).exchanges.map(({ input }) => input).sort()).toEqual([
    "number four",
    "number three",
    "number two",
  ]);
  await opened.store.addSignal(ids[0] ?? "", { kind: "thumb_up", atMs: NOON, correction: null });
  await opened.archive.deleteInteraction(ids[1] ?? "");
  expect((await context()).exchanges.map(({ input }) => input).sort()).toEqual(["number four", "number three"]);
});

test("ids of turns come in their order and are counted, also where one cannot be decrypted any more", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { archive, store, database } = opened;
  const { id } = await consentingProfile(opened);
  for (const input of ["one", "two", "three"]) await store.record(turn(id, { input }));
  const all = (await archive.interactions(id)).map((each) => each.id);
  await database.transaction((handle) => handle.run("UPDATE interactions SET sealed_input = x'00'"));
  expect(await archive.interactionIds(id)).toEqual(all);
  expect(await archive.interactionsOutside(id, [], 2)).toBe(2);
  expect(await archive.interactionsOutside(id, all.slice(1), 3)).toBe(1);
  expect(await archive.interactionsOutside(id, all.slice(1), 2)).toBe(0);
  expect(await archive.interactionsOutside(id, ["i_elsewhere"], 10)).toBe(3);
});

test("the newest turns are read with the signals that are theirs", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { archive, store } = opened;
  const { id } = await consentingProfile(opened);
  for (const input of ["one", "two", "three"]) {
    const stored = await store.record(turn(id, { input }));
    if (stored.kind !== "stored") throw new Error("not stored");
    await store.addSignal(stored.interactionId, { kind: "correction", atMs: NOON, correction: `${input}, please` });
  }
  const corrections = (await archive.interactions(id, 2)).map(({ input, signals }) => [
    input,
    signals.map(({ correction }) => correction),
  ]);
  expect(corrections).toEqual([
    ["two", ["two, please"]],
    ["three", ["three, please"]],
  ]);
});

test("reading 200 interactions gives other work its turn after every 50 at the latest", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  for (let n = 0; n < 200; n += 1) await opened.store.record(turn(id, { input: `water bed ${n}` }));
  using texts = new WorkPerRound();
  const open = ProfileCipher.prototype.openText;
  using _ = vi.spyOn(ProfileCipher.prototype, "openText").mockImplementation(function (this: ProfileCipher, ...value) {
    texts.count();
    return open.apply(this, value);
  });
  const read = await opened.archive.interactions(id, 1_000);
  expect(read.map(({ input }) => input)).toEqual(Array.from({ length: 200 }, (_, n) => `water bed ${n}`));
  expect(texts.most).toBeGreaterThan(0);
  expect(texts.most).toBeLessThanOrEqual(100);
});

test("interactions are decrypted while the database is free for others: a turn's look-up does not wait for a job's reading", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  const stored = await opened.store.record(turn(id, { input: "water the beds" }));
  if (stored.kind !== "stored") throw new Error("not stored");
  const correction = { kind: "correction", atMs: NOON, correction: "the roses" } as const;
  await opened.store.addSignal(stored.interactionId, correction);
  const order: string[] = [];
  using _ = afterEveryTransaction(async () => {
    order.push("free");
  });
  const open = ProfileCipher.prototype.openText;
  using __ = vi.spyOn(ProfileCipher.prototype, "openText").mockImplementation(function (this: ProfileCipher, ...value) {
    order.push("text");
    return open.apply(this, value);
  });
  const [read] = await opened.archive.interactions(id);
  expect(read?.signals).toEqual([correction]);
  expect(order).toEqual(["free", "text", "text", "text"]);
});

test("a key that is replaced while interactions are read, and a profile that is forgotten", async () => {
  await using folder = await makeTempDir("archive");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  await opened.store.record(turn(id, { input: "water the beds" }));
  const readMeanwhile = async (happens: () => Promise<unknown>) => {
    let isFirst = true;
    using _ = afterEveryTransaction(async () => {
      if (!isFirst) return;
      isFirst = false;
      await happens();
    });
    return await opened.archive.interactions(id);
  };
  const read = await readMeanwhile(() => opened.keys.rotateProfile(id, []));
  expect(read.map(({ input }) => input)).toEqual(["water the beds"]);
  await expect(readMeanwhile(() => opened.archive.forget(id))).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
});

/** Before whoever asked for the transaction goes on. */
function afterEveryTransaction(work: () => Promise<void>): Disposable {
  const { transaction } = SqliteDatabase.prototype;
  return vi.spyOn(SqliteDatabase.prototype, "transaction").mockImplementation(async function (
    this: SqliteDatabase,
    ...values: Parameters<typeof transaction>
  ) {
    const result = await transaction.apply(this, values);
    await work();
    return result;
  } as typeof transaction);
}
