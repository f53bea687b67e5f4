import { expect, test } from "vitest";
import { DialogRig } from "../../support/dialog-rig.ts";

test("a spoken turn goes idle, thinking, speaking, idle and reports its stages", async () => {
  await using rig = await DialogRig.open(() => "It is on.");
  await rig.hear("turn on the kitchen lights");
  expect(rig.phases).toEqual(["thinking", "speaking", "idle"]);
  expect(rig.voice.asked).toEqual(["It is on."]);
  const [turn] = rig.events.turn;
  expect(turn).toMatchObject({ outcome: "answered", answer: "It is on.", modality: "voice", interactionId: null });
  expect(turn?.stages.firstAudioMs).toBeGreaterThanOrEqual(10);
});

test("nothing is stored before consent, everything after it, and nothing again once withdrawn", async () => {
  await using rig = await DialogRig.open();
  const stored = async () => (await rig.profiles.archive.interactions(id)).length;
  const { id } = await rig.profiles.store.active();
  await rig.hear("what is a secret");
  expect(await stored()).toBe(0);
  await rig.hear("you may remember what i say");
  await rig.hear("what is a lamp");
  expect(await stored()).toBe(1);
  await rig.hear("stop remembering what i say");
  await rig.hear("what is a chair");
  expect(await stored()).toBe(1);
  expect(rig.events.consent).toMatchObject([
    { purpose: "store", granted: true },
    { purpose: "store", granted: false },
  ]);
});

test("a typed grant waits for the talk button and is not given without it within 60 s", async () => {
  await using rig = await DialogRig.open();
  const granted = async () => (await rig.profiles.store.active()).consent.store;
  expect(await rig.type("you may remember what i say")).toContain("hold the talk button");
  await rig.clock.advance(60_000);
  expect(rig.presence.confirm()).toBe(false);
  expect(await granted()).toBe(false);
  await rig.type("you may remember what i say");
  expect(rig.presence.confirm()).toBe(true);
  await rig.until(() => rig.events.consent.length > 0);
  expect(await granted()).toBe(true);
});

test('"call me Sam" is acknowledged, kept with its origin, and in the prompt of the next turn', async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("call me sam");
  expect(rig.events.turn[0]).toMatchObject({ outcome: "acknowledged", answer: "Okay, I will call you Sam." });
  const [fact] = await rig.profiles.archive.facts(id);
  expect(fact).toMatchObject({ kind: "name", value: "Sam", interactionId: rig.events.turn[0]?.interactionId });
  await rig.hear("turn on the lights");
  expect(rig.model.requests.at(-1)?.messages[0]?.content).toContain("The user's name is Sam.");
});

test("an instruction without consent is refused in words that say how to allow it", async () => {
  await using rig = await DialogRig.open();
  await rig.hear("call me sam");
  expect(rig.events.turn[0]?.answer).toContain("you may remember what I say");
  expect(rig.model.requests).toHaveLength(0);
});

test('"shorter answers please" lowers the next answer\'s token limit', async () => {
  await using rig = await DialogRig.open();
  await rig.grant();
  await rig.hear("what is a lamp");
  await rig.hear("shorter answers please");
  await rig.hear("what is a chair");
  const limits = rig.model.requests.map(({ maxTokens }) => maxTokens);
  expect(limits[0]).toBe(96);
  expect(limits[1]).toBeLessThan(48);
});

test("thumbs refer to the last answer for 8 s; a second later they are refused", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("what is a lamp");
  await rig.drive(rig.dialog.rate("thumb_down", null, true));
  await rig.clock.advance(9_000);
  await expect(rig.dialog.rate("thumb_up", null, true)).rejects.toMatchObject({ code: "E_NOTHING_TO_RATE" });
  const [interaction] = await rig.profiles.archive.interactions(id);
  expect(interaction?.signals.map(({ kind }) => kind)).toEqual(["thumb_down"]);
  expect(interaction?.satisfaction).toEqual({ estimate: -1, confidence: 1 });
});

test('"no, i meant ..." corrects the last answer and is answered as the request it is', async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("turn on the bathroom lights");
  await rig.hear("no i meant the bedroom lights");
  const [first] = await rig.profiles.archive.interactions(id);
  expect(first?.signals).toMatchObject([{ kind: "correction", correction: "the bedroom lights" }]);
  expect(rig.model.requests.at(-1)?.messages.at(-1)?.content).toBe("the bedroom lights");
});

test("repeats its last answer when asked, without the language model", async () => {
  await using rig = await DialogRig.open(() => "It is in the hall.");
  await rig.hear("where is the lamp");
  await rig.hear("say that again");
  expect(rig.events.turn.at(-1)).toMatchObject({ outcome: "acknowledged", answer: "It is in the hall." });
  expect(rig.model.requests).toHaveLength(1);
});

test("the same request in other words within 30 s marks the first answer as not helpful", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("turn on the light in the kitchen");
  await rig.hear("please turn on the kitchen light");
  const [first] = await rig.profiles.archive.interactions(id);
  expect(first?.signals.map(({ kind }) => kind)).toEqual(["rephrase"]);
});

test("a wake while it speaks falls silent within 200 ms, keeps listening, and is kept as barge-in", async () => {
  await using rig = await DialogRig.open(() => "This is a very long sentence that takes its time to be spoken.");
  const id = await rig.grant();
  const turn = rig.dialog.heard({ text: "tell me a story", endOfSpeechMs: rig.clock.monotonicMs() }, "voice");
  await rig.until(() => rig.phase.state.phase === "speaking");
  const fromMs = rig.clock.monotonicMs();
  rig.dialog.wake("button");
  await rig.until(() => rig.output.playedMs.length > 0);
  expect(rig.clock.monotonicMs() - fromMs).toBeLessThanOrEqual(200);
  await rig.drive(turn);
  expect(rig.wakes).toBe(1);
  expect(rig.phase.state.phase).toBe("listening");
  expect(rig.events.turn[0]?.outcome).toBe("stopped");
  const [interaction] = await rig.profiles.archive.interactions(id);
  expect(interaction?.signals.map(({ kind }) => kind)).toEqual(["barge_in"]);
});

test("without a language model it says so, and the profile's instructions still work", async () => {
  await using rig = await DialogRig.open();
  await rig.grant();
  rig.loaded = null;
  await rig.hear("what is a lamp");
  expect(rig.events.turn[0]).toMatchObject({ outcome: "failed", errorCode: "E_MODEL_NOT_READY" });
  expect(rig.voice.asked.join(" ")).toContain("not ready");
  await rig.hear("call me sam");
  expect(rig.events.turn[1]?.outcome).toBe("acknowledged");
});

test("a turn that takes longer than 60 s is given up and the next one works", async () => {
  await using rig = await DialogRig.open();
  const { model } = rig;
  rig.loaded = new Proxy(model, {
    get: (target, key) =>
      key === "generate"
        ? (_request: unknown, signal: AbortSignal) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener("abort", () => reject(new Error("gave up")));
            })
        : Reflect.get(target, key),
  });
  await rig.hear("what is a lamp");
  expect(rig.events.turn[0]?.outcome).toBe("failed");
  rig.loaded = model;
  await rig.hear("what is a chair");
  expect(rig.events.turn[1]?.outcome).toBe("answered");
});

test("forgetting everything needs the talk button, and leaves nothing", async () => {
  await using rig = await DialogRig.open();
  const id = await rig.grant();
  await rig.hear("what is a lamp");
  await rig.hear("forget everything about me");
  expect(rig.events.turn.at(-1)?.answer).toContain("Hold the talk button");
  expect(await rig.profiles.archive.interactions(id)).not.toHaveLength(0);
  rig.presence.confirm();
  await rig.until(() => rig.voice.asked.includes("I have forgotten everything about you."));
  expect((await rig.profiles.archive.list()).map((each) => each.id)).not.toContain(id);
  expect((await rig.profiles.store.active()).id).not.toBe(id);
});

test("a text turn whose caller hangs up ends as stopped and leaves nothing behind", async () => {
  await using rig = await DialogRig.open(() => "one two three four five six seven eight nine ten");
  await rig.grant();
  const caller = new AbortController();
  const pieces: string[] = [];
  const said = rig.dialog.say("count", {
    aloud: false,
    onText: (piece) => {
      pieces.push(piece);
      if (pieces.length === 2) caller.abort();
    },
    signal: caller.signal,
  });
  const report = await rig.drive(said);
  expect(report.outcome).toBe("stopped");
  expect(report.generatedTokens).toBeLessThan(5);
});
