import { expect, test } from "vitest";
import { HashedNgramEmbedder } from "../../../src/profile/hashed-ngram-embedder.ts";
import { REDACT_EVERYTHING } from "../../../src/profile/redaction.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const PERSONAL = ["555-123-4567", "sam@example.com", "12 Oak Street", "4111 1111 1111 1111"];

/** The real embedder, remembering what it was given. */
class ListeningEmbedder extends HashedNgramEmbedder {
  readonly given: string[] = [];

  override embed(texts: readonly string[]): Promise<Float32Array[]> {
    this.given.push(...texts);
    return super.embed(texts);
  }
}

test("no number or address of a person reaches rows, corrections, facts, labels or the embedder", async () => {
  await using folder = await makeTempDir("redaction");
  const embedder = new ListeningEmbedder();
  await using opened = await openTestStore(folder, { embedder });
  const { store, archive } = opened;
  const { id } = await consentingProfile(opened);
  await archive.create("call 555-123-4567");
  const said = turn(id, { input: "call me at 555-123-4567", answer: "I will write to sam@example.com." });
  const stored = await store.record(said);
  if (stored.kind !== "stored") throw new Error("not stored");
  const correction = "no, it is 12 Oak Street";
  await store.addSignal(stored.interactionId, { kind: "correction", atMs: NOON, correction });
  const fact = { kind: "other", value: "4111 1111 1111 1111", statement: "The card is 4111 1111 1111 1111." } as const;
  const learned = await store.learnFact(id, { ...fact, interactionId: stored.interactionId });
  if (learned.kind !== "stored") throw new Error("not stored");
  await archive.editFact(learned.factId, { value: "sam@example.com", statement: "Mail goes to sam@example.com." });

  const exported = await archive.export(id);
  const everything = JSON.stringify([exported, await archive.list(), embedder.given]);
  for (const personal of PERSONAL) expect(everything).not.toContain(personal);
  expect(exported.interactions[0]).toMatchObject({
    input: "call me at [phone number]",
    answer: "I will write to [e-mail address].",
    signals: [{ correction: "no, it is [street address]" }],
  });
  expect(embedder.given).toContain("call me at [phone number]");
});

test("a kind that the owner switched off is stored as it was said", async () => {
  await using folder = await makeTempDir("redaction");
  await using opened = await openTestStore(folder, { redaction: { ...REDACT_EVERYTHING, phone: false } });
  const { id } = await consentingProfile(opened);
  await opened.store.record(turn(id, { input: "555-123-4567 or sam@example.com" }));
  expect((await opened.archive.interactions(id))[0]?.input).toBe("555-123-4567 or [e-mail address]");
});
