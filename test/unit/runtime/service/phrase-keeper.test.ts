import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Profile } from "../../../../src/profile/ports.ts";
import { PhraseKeeper, rememberedExchanges } from "../../../../src/runtime/service/phrase-keeper.ts";
import { interaction, interactions, signal } from "../../../support/interactions.ts";
import { ScriptedLanguageModel } from "../../../support/scripted-language-model.ts";

describe("what may come up again", () => {
  test("words of the user and answers; of a disliked answer only the user's words", () => {
    const turns = [
      interaction(0),
      interaction(1, { signals: [signal("thumb_down")] }),
      interaction(2, { signals: [signal("thumb_up")] }),
    ];
    expect(rememberedExchanges(turns).map(({ input, answer }) => [input, answer])).toEqual([
      ["question 0", "answer 0"],
      ["question 1", null],
      ["question 2", "answer 2"],
    ]);
  });

  test("a corrected answer as it was corrected", () => {
    const [kept] = rememberedExchanges([interaction(0, { signals: [signal("correction", "the other one")] })]);
    expect(kept?.answer).toBe("the other one");
  });
});

describe("the keeper of phrases", () => {
  function keeper(consent: boolean, isWanted = true, stored = 3, limit = 500) {
    const model = new ScriptedLanguageModel();
    const turns = interactions(stored);
    const profile: Profile = {
      id: "p_1",
      createdAtMs: 0,
      consent: { answer: true, store: consent, train: false, telemetry: false, speaker: false },
    };
    const asked: (number | undefined)[] = [];
    const phrases = new PhraseKeeper({
      store: { active: async () => profile },
      archive: {
        interactions: async (_id, most) => {
          asked.push(most);
          return turns.slice(-(most ?? turns.length));
        },
      },
      log: silentLogger,
      limit,
      model: () => model,
      isWanted: () => isWanted,
    });
    const remembered = () => model.remembered.map(({ id, answer }) => [id, answer]);
    const stands = () => rememberedExchanges(turns.slice(-limit)).map(({ id, answer }) => [id, answer]);
    return { model, turns, phrases, asked, remembered, stands };
  }

  test("gives the model the newest stored turns, and again when they have changed", async () => {
    const { model, turns, phrases, asked } = keeper(true);
    await phrases.refresh();
    expect(model.remembered.map(({ id }) => id)).toEqual(turns.map(({ id }) => id));
    expect(asked).toEqual([500]);
    expect(phrases.turns).toBe(3);
    turns.splice(1, 1);
    await phrases.refresh();
    expect(model.remembered.map(({ id }) => id)).toEqual(turns.map(({ id }) => id));
  });

  test("gives nothing without the consent to store, and nothing to a model that is not to have it", async () => {
    const withdrawn = keeper(false);
    await withdrawn.phrases.refresh();
    expect(withdrawn.asked).toEqual([]);
    const unwanted = keeper(true, false);
    await unwanted.phrases.refresh();
    expect(unwanted.model.remembered).toEqual([]);
  });

  test("refreshes wished while one runs become one", async () => {
    const { phrases, asked } = keeper(true);
    await Promise.all([phrases.refresh(), phrases.refresh(), phrases.refresh()]);
    expect(asked.length).toBe(1);
  });

  test("after a turn, and after feedback on a recent one, only the newest are read", async () => {
    const { turns, phrases, asked, remembered, stands } = keeper(true, true, 40);
    await phrases.refresh();
    for (let n = 40; n < 45; n += 1) {
      turns.push(interaction(n));
      await phrases.refreshNewest(null);
      expect(remembered()).toEqual(stands());
    }
    turns[43] = interaction(43, { signals: [signal("correction", "the other one")] });
    await phrases.refreshNewest(turns[43].id);
    expect(remembered()).toEqual(stands());
    const [first, ...later] = asked;
    expect(first).toBe(500);
    expect(later.every((most) => (most ?? 500) < 20)).toBe(true);
  });

  test("no more are kept than the limit, also when they come one by one", async () => {
    const { turns, phrases, remembered, stands } = keeper(true, true, 12, 12);
    await phrases.refresh();
    for (let n = 12; n < 30; n += 1) {
      turns.push(interaction(n));
      await phrases.refreshNewest(null);
    }
    expect(remembered()).toEqual(stands());
    expect(phrases.turns).toBe(12);
  });

  test("feedback on an old turn, and a change of which nothing more is known, read all", async () => {
    const { turns, phrases, remembered, stands } = keeper(true, true, 40);
    await phrases.refresh();
    turns[3] = interaction(3, { signals: [signal("thumb_down")] });
    await phrases.refreshNewest(turns[3].id);
    expect(remembered()).toEqual(stands());
    turns.splice(5, 1);
    turns.push(interaction(40));
    await Promise.all([phrases.refreshNewest(null), phrases.refresh(), phrases.refreshNewest(null)]);
    expect(remembered()).toEqual(stands());
  });

  test("newest turns that do not continue what is known read all", async () => {
    const { turns, phrases, remembered, stands } = keeper(true, true, 40);
    await phrases.refresh();
    for (let n = 40; n < 80; n += 1) turns.push(interaction(n));
    await phrases.refreshNewest(null);
    expect(remembered()).toEqual(stands());
  });

  test("a refresh that failed is made up for by the next, in full", async () => {
    const { model, turns, phrases, remembered, stands } = keeper(true, true, 20);
    await phrases.refresh();
    const remember = model.remember.bind(model);
    model.remember = () => Promise.reject(new Error("no memory"));
    turns.splice(2, 1);
    await phrases.refresh();
    model.remember = remember;
    await phrases.refreshNewest(null);
    expect(remembered()).toEqual(stands());
  });
});
