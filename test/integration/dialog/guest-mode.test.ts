import { expect, test } from "vitest";
import { DialogRig } from "../../support/dialog-rig.ts";

test("a guest is answered without profile, facts or adapter, and nothing of theirs is stored", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("call me sam");
  await rig.hear("guest mode on");
  await rig.hear("i love zebras");
  await rig.hear("call me mallory");
  await rig.hear("you may learn from me");
  await expect(rig.dialog.rate("thumb_up", null, false)).rejects.toMatchObject({ code: "E_NOTHING_TO_RATE" });
  expect(rig.model.requests[0]?.messages.map(({ content }) => content).join(" ")).not.toContain("Sam");
  expect(rig.guest).toEqual([true]);
  await rig.hear("guest mode off");
  expect(rig.guest).toEqual([true, false]);
  const inputs = (await rig.profiles.archive.interactions(id)).map(({ input }) => input);
  expect(inputs).toEqual(["call me sam"]);
  expect((await rig.profiles.archive.facts(id)).map(({ value }) => value)).toEqual(["Sam"]);
  expect((await rig.profiles.store.active()).consent.train).toBe(false);
});

test("neither side sees the other's conversation", async () => {
  await using rig = await DialogRig.open();
  await rig.hear("what is a secret of the owner");
  await rig.hear("this is a guest");
  await rig.hear("what is a secret of the guest");
  await rig.hear("the guest has left");
  await rig.hear("what is a lamp");
  const prompts = rig.model.requests.map(({ messages }) => messages.map(({ content }) => content).join(" "));
  expect(prompts[1]).not.toContain("owner");
  expect(prompts[2]).not.toContain("guest");
});

test("after 120 min without a turn it ends: the turn that finds it out says so and is still a guest's", async () => {
  await using rig = await DialogRig.open(() => "It is on.");
  const id = await rig.grant();
  await rig.hear("guest mode on");
  await rig.clock.advance(121 * 60_000);
  await rig.hear("turn on the lights");
  expect(rig.events.turn.at(-1)?.answer).toMatch(/^It is on\. Guest mode has ended\./);
  expect(await rig.profiles.archive.interactions(id)).toEqual([]);
  await rig.hear("what is a lamp");
  expect(await rig.profiles.archive.interactions(id)).toHaveLength(1);
});

test("a restart does not take a guest for the owner", async () => {
  await using rig = await DialogRig.open();
  await rig.hear("guest mode on");
  expect(await rig.profiles.store.guestSince()).not.toBeNull();
  const { dialog } = rig;
  await dialog.start();
  expect(dialog.isGuest).toBe(true);
  await dialog.setGuest(false);
  expect(await rig.profiles.store.guestSince()).toBeNull();
});

test("a stranger's voice turns it on by itself, and the owner's off again; what was turned on by words stays on", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  const hearFrom = (speaker: "owner" | "stranger", text: string) =>
    rig.drive(rig.dialog.heard({ text, endOfSpeechMs: rig.clock.monotonicMs(), speaker }, "voice"));
  await hearFrom("stranger", "what is a zebra");
  expect(rig.dialog.isGuest).toBe(true);
  await hearFrom("owner", "what is a lamp");
  expect(rig.dialog.isGuest).toBe(false);
  expect((await rig.profiles.archive.interactions(id)).map(({ input }) => input)).toEqual(["what is a lamp"]);
  await rig.hear("guest mode on");
  await hearFrom("owner", "what is a chair");
  expect(rig.dialog.isGuest).toBe(true);
});
