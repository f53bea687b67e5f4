import { expect, test } from "vitest";
import { CONSENT_WORDING } from "../../../src/profile/consent-wording.ts";
import { DialogRig } from "../../support/dialog-rig.ts";

const { questions, version } = CONSENT_WORDING;

/** What the device said last, as one text. */
function lastSaid(rig: DialogRig, sentences: number): string {
  return rig.voice.asked.slice(-sentences).join(" ");
}

/** The question in the sentences in which it is spoken. */
function sentencesOf(question: string): number {
  return question.split(/(?<=[.?!]) /).length;
}

async function ledger(rig: DialogRig) {
  const { id } = await rig.profiles.store.active();
  return (await rig.profiles.archive.summary(id)).consentHistory;
}

test("the first spoken turn is answered, then it asks once and listens; yes and yes grant store and train, spoken", async () => {
  await using rig = await DialogRig.open(() => "It is on.", { askConsent: true });
  await rig.hear("turn on the lights");
  expect(rig.events.turn[0]).toMatchObject({ outcome: "answered", answer: "It is on." });
  expect(lastSaid(rig, sentencesOf(questions.store))).toBe(questions.store);
  expect(rig.phase.state.phase).toBe("listening");
  expect(rig.wakes).toBe(1);
  await rig.hear("yes");
  expect(lastSaid(rig, sentencesOf(questions.train))).toBe(questions.train);
  expect(rig.wakes).toBe(2);
  await rig.hear("yes please");
  expect(await ledger(rig)).toMatchObject([
    { purpose: "store", granted: true, origin: "spoken", wordingVersion: version },
    { purpose: "train", granted: true, origin: "spoken", wordingVersion: version },
  ]);
  expect(rig.phase.state.phase).toBe("idle");
  await rig.hear("what is a lamp");
  expect(rig.wakes).toBe(2);
  const { id } = await rig.profiles.store.active();
  // The answers to the questions are no interactions.
  expect((await rig.profiles.archive.interactions(id)).map(({ input }) => input)).toEqual(["what is a lamp"]);
});

test("a no is in the ledger with the version of its words, nothing is kept, and it is not asked again", async () => {
  await using rig = await DialogRig.open(undefined, { askConsent: true });
  await rig.hear("what is a lamp");
  await rig.hear("no thank you");
  expect(await ledger(rig)).toMatchObject([
    { purpose: "store", granted: false, origin: "spoken", wordingVersion: version },
  ]);
  const { wakes } = rig;
  await rig.hear("what is a chair");
  await rig.hear("what is a table");
  expect(rig.wakes).toBe(wakes);
  expect(await ledger(rig)).toHaveLength(1);
});

test("no answer leaves everything off, no ledger row and no second question", async () => {
  await using rig = await DialogRig.open(undefined, { askConsent: true });
  await rig.hear("what is a lamp");
  rig.dialog.heardNothing("no_speech");
  await rig.hear("yes");
  expect(await ledger(rig)).toEqual([]);
  expect(rig.wakes).toBe(1);
});

test("another request instead of an answer is answered, and a yes after it grants nothing", async () => {
  await using rig = await DialogRig.open(() => "It is on.", { askConsent: true });
  await rig.hear("what is a lamp");
  await rig.hear("turn on the lights");
  expect(rig.events.turn.at(-1)).toMatchObject({ outcome: "answered", input: "turn on the lights" });
  await rig.hear("yes");
  expect(await ledger(rig)).toEqual([]);
});

test("a yes that comes after 60 s, or that is typed, grants nothing", async () => {
  await using rig = await DialogRig.open(undefined, { askConsent: true });
  await rig.hear("what is a lamp");
  await rig.type("yes");
  expect(await ledger(rig)).toEqual([]);
  await rig.hear("what do you keep");
  await rig.clock.advance(61_000);
  await rig.hear("yes");
  expect(await ledger(rig)).toEqual([]);
});

test('"what do you keep" explains and asks again after a no; an unclear answer is asked once more', async () => {
  await using rig = await DialogRig.open(undefined, { askConsent: true });
  await rig.hear("what is a lamp");
  await rig.hear("no");
  await rig.hear("what do you keep");
  expect(rig.events.turn.at(-1)?.answer).toBe(`I keep nothing of what you say. ${questions.store}`);
  await rig.hear("pardon");
  expect(rig.events.turn.at(-1)?.answer).toBe(questions.store);
  await rig.hear("yes");
  await rig.hear("no");
  expect((await rig.profiles.store.active()).consent).toMatchObject({ store: true, train: false });
});

test("a typed turn is not asked: nobody may stand at the device", async () => {
  await using rig = await DialogRig.open(undefined, { askConsent: true });
  await rig.type("what is a lamp");
  expect(rig.wakes).toBe(0);
});

test("a recording that was handed over grants nothing by what it says", async () => {
  await using rig = await DialogRig.open();
  const heard = { text: "you may remember what i say", endOfSpeechMs: rig.clock.monotonicMs(), isAtDevice: false };
  await rig.drive(rig.dialog.heard(heard, "voice"));
  expect(rig.events.turn[0]?.answer).toContain("hold the talk button");
  expect(await ledger(rig)).toEqual([]);
});

test("withdrawing train from afar says aloud at the device that training ended and what was learned is set aside", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.dialog.setConsent(id, "train", true, "button");
  rig.consequence = { isJobEnded: true, adapterSetAside: "a_1", adapterBack: null };
  await rig.dialog.setConsent(id, "train", false, "mqtt");
  await rig.until(() => rig.voice.asked.length === 5);
  expect(rig.voice.asked.join(" ")).toBe(
    "A permission was withdrawn from elsewhere. Okay. I will not learn from what you say. " +
      "The training that was under way has ended. What I had learned is set aside.",
  );
  expect(rig.events.consent.at(-1)).toEqual({
    purpose: "train",
    granted: false,
    origin: "mqtt",
    isJobEnded: true,
    adapterSetAside: "a_1",
    adapterBack: null,
  });
});

test("without the permission to answer it says so instead, but hears permissions and erasure", async () => {
  await using rig = await DialogRig.open();
  await rig.hear("stop answering me");
  await rig.hear("what is a lamp");
  expect(rig.model.requests).toHaveLength(0);
  expect(rig.events.turn.at(-1)?.answer).toContain("you may answer me");
  await rig.hear("forget my name");
  expect(rig.events.turn.at(-1)?.answer).toBe("I did not know that.");
  await rig.hear("you may answer me");
  await rig.hear("what is a lamp");
  expect(rig.model.requests).toHaveLength(1);
});
