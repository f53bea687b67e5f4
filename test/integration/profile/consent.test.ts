import { expect, test } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { CONSENT_WORDING } from "../../../src/profile/consent-wording.ts";
import { openDatabase } from "../../../src/profile/database-opening.ts";
import { MIGRATIONS } from "../../../src/profile/migrations.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const wordingVersion = CONSENT_WORDING.version;
const NOON = Date.UTC(2026, 0, 5, 12);

test("consent cannot be granted from afar: cli and mqtt are E_CONSENT_NEEDS_PRESENCE and leave no ledger row", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { id } = await opened.store.active();
  for (const origin of ["cli", "mqtt"] as const) {
    const granting = opened.store.setConsent(id, "store", true, origin);
    await expect(granting).rejects.toMatchObject({ code: "E_CONSENT_NEEDS_PRESENCE" });
  }
  expect((await opened.archive.summary(id)).consentHistory).toEqual([]);
});

test("each purpose is its own: granting train does not grant store", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { id } = await opened.store.active();
  await opened.store.setConsent(id, "train", true, "spoken");
  expect((await opened.store.active()).consent).toMatchObject({ store: false, train: true, telemetry: false });
  expect((await opened.store.record(turn(id))).kind).toBe("declined");
});

test("withdrawn by MQTT, the very next record, signal, fact and edit are declined, and the prompt gets nothing", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { store, archive } = opened;
  const { id } = await consentingProfile(opened);
  const stored = await store.record(turn(id));
  if (stored.kind !== "stored") throw new Error("not stored");
  const fact = { kind: "name", value: "Sam", statement: "The user's name is Sam.", interactionId: null } as const;
  const learned = await store.learnFact(id, fact);
  if (learned.kind !== "stored") throw new Error("not stored");

  const signal = { kind: "thumb_up", atMs: NOON, correction: null } as const;
  const outcomes = await Promise.all([
    store.setConsent(id, "store", false, "mqtt"),
    store.record(turn(id)),
    store.addSignal(stored.interactionId, signal),
    store.learnFact(id, { ...fact, value: "Jo" }),
    archive.editFact(learned.factId, { value: "Jo", statement: "x" }),
  ]);
  expect(outcomes.slice(1)).toEqual(Array(4).fill({ kind: "declined", reason: "no_consent" }));
  const request = {
    profileId: id,
    input: "lights",
    nowMs: NOON,
    factTokens: 200,
    exchangeTokens: 200,
    maxExchanges: 3,
  };
  const context = await store.promptContext({ ...request, countTokens: (text) => text.length });
  expect(context).toEqual({ facts: [], exchanges: [], answerWords: null });

  expect(await archive.facts(id)).toHaveLength(1); // one's own data stays visible and can be erased
  expect(await archive.deleteFact(learned.factId)).toBe(true);
});

test("the ledger cannot be changed: UPDATE and DELETE on it fail, and it lists every change in order", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  await opened.store.setConsent(id, "store", false, "cli");
  for (const sql of ["UPDATE consent_ledger SET granted = 1", "DELETE FROM consent_ledger"]) {
    await expect(opened.database.run(sql)).rejects.toMatchObject({ code: "E_DB_FAILED" });
  }
  expect((await opened.archive.summary(id)).consentHistory).toEqual([
    { atMs: NOON, purpose: "store", granted: true, origin: "button", wordingVersion },
    { atMs: NOON, purpose: "store", granted: false, origin: "cli", wordingVersion },
  ]);
});

test("answering stands until it is withdrawn, and is not what a forgotten profile's ledger ends with", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { id } = await consentingProfile(opened);
  expect((await opened.store.active()).consent.answer).toBe(true);
  await opened.store.setConsent(id, "answer", false, "mqtt");
  expect((await opened.store.active()).consent).toMatchObject({ answer: false, store: true });
});

test("is due once: not after it was asked, not after a refusal, and again for new words only where something stands", async () => {
  await using folder = await makeTempDir("consent");
  await using opened = await openTestStore(folder);
  const { store } = opened;
  const asked = await store.active();
  expect(await store.isConsentDue(asked.id)).toBe(true);
  await store.noteConsentAsked(asked.id);
  expect(await store.isConsentDue(asked.id)).toBe(false);
  const refused = await opened.archive.create(null);
  await store.setConsent(refused.id, "store", false, "spoken");
  expect(await store.isConsentDue(refused.id)).toBe(false);
  await opened.database.run("UPDATE profiles SET asked_wording = 0"); // as a release before would have left it
  expect(await store.isConsentDue(refused.id)).toBe(false);
  await store.setConsent(asked.id, "store", true, "spoken");
  expect(await store.isConsentDue(asked.id)).toBe(true);
});

test("a ledger of the first schema is taken over row by row, without a version of words, and stays append-only", async () => {
  await using folder = await makeTempDir("consent");
  {
    await using old = await openDatabase({
      path: folder.join("profile.db"),
      migrations: MIGRATIONS.slice(0, 1),
      logger: silentLogger,
    });
    await old.database.run(
      "INSERT INTO consent_ledger (profile_id, at_ms, purpose, granted, origin) VALUES ('p_1', 5, 'store', 1, 'spoken')",
    );
  }
  await using opened = await openTestStore(folder);
  expect(await opened.database.all("SELECT * FROM consent_ledger")).toEqual([
    { sequence: 1, profile_id: "p_1", at_ms: 5, purpose: "store", granted: 1, origin: "spoken", wording_version: null },
  ]);
  await expect(opened.database.run("DELETE FROM consent_ledger")).rejects.toMatchObject({ code: "E_DB_FAILED" });
});
